/** Where functions of this process are defined, as V8's inspector knows it ([[FunctionLocation]]). */
import type { Runtime, Session } from 'node:inspector';

/** Lines and columns count from 0. */
export interface FunctionPlace {
  readonly scriptId: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** Functions are handed to the inspector under this name, for the length of one call in which no other code runs. */
const HANDOVER = 'lambda-amber.handover';

/**
 * Runs none of the functions. 0.1 ms each.
 *
 * @param session - a connected session of this thread
 * @param targets - no proxies: the inspector would look into them
 * @returns one place for each target; undefined for what is no function, and for native and bound ones
 * @see https://chromedevtools.github.io/devtools-protocol/v8/Runtime/#method-getProperties
 */
export function functionPlaces(session: Session, targets: readonly unknown[]): (FunctionPlace | undefined)[] {
  const places: (FunctionPlace | undefined)[] = targets.map(() => undefined);
  Object.defineProperty(globalThis, HANDOVER, { value: targets, configurable: true });
  try {
    session.post('Runtime.evaluate', { expression: `this['${HANDOVER}']`, silent: true }, (_, { result }) => {
      ownProperties(session, result, (list) => {
        for (const { name, value } of list.result) {
          if (value?.type !== 'function') continue;
          ownProperties(session, value, ({ internalProperties }) => {
            const found = internalProperties?.find((property) => property.name === '[[FunctionLocation]]');
            places[Number(name)] = found?.value?.value as FunctionPlace | undefined;
          });
        }
      });
    });
  } finally {
    Reflect.deleteProperty(globalThis, HANDOVER);
  }
  return places;
}

/** In a session of the same thread the answer comes before `post` returns. */
function ownProperties(
  session: Session,
  object: Runtime.RemoteObject,
  use: (found: Runtime.GetPropertiesReturnType) => void,
): void {
  session.post('Runtime.getProperties', { objectId: object.objectId ?? '', ownProperties: true }, (_, found) => {
    use(found);
  });
}
