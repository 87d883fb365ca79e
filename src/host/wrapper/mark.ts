/** How a wrapped handler is known, by other copies of the package as well. */
export const WRAPPED: unique symbol = Symbol.for('lambda-amber.wrapped');

export function isWrapped(handler: unknown): boolean {
  return typeof handler === 'function' && WRAPPED in handler;
}
