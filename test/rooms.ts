/** The rooms of src, and who may import whom: what the architecture test holds the tree to. */

/** Rooms of src, a floor a line: a room may import what stands on the floors below its own. */
export const FLOORS: readonly (readonly string[])[] = [
  ['defined', 'many', 'printable', 'signal-after'],
  ['errors', 'version'],
  ['contracts'],
  ['proc', 'fs', 'lambda', 'secrets'],
  ['config'],
  ['trigger', 'record', 'detect', 'collect', 'archive', 'seal', 'ship', 'report'],
  ['capture'],
  ['host', 'acquire', 'case'],
  ['hunt', 'doctor', 'attach'],
  ['plane'],
  ['cli', 'index'],
];
/** Rooms within a room. */
export const ROOMS_OF: Readonly<Record<string, readonly string[]>> = {
  case: ['store', 'tar', 'verify', 'salvage', 'timeline', 'view', 'log', 'diff', 'scan', 'index', 'core'],
  host: ['wrapper', 'monitor', 'orders', 'handoff', 'extension', 'limits'],
};
/** What lies at the root of src: the public API, and what stands below every room. */
export const ROOT: readonly string[] = [
  'src/defined.ts',
  'src/errors.ts',
  'src/index.ts',
  'src/many.ts',
  'src/printable.ts',
  'src/signal-after.ts',
  'src/version.ts',
];
/** Rooms of one floor that know of each other, in one direction. */
export const SIBLINGS: readonly (readonly [string, string])[] = [
  ['fs', 'proc'], // a walk asks on which mount a path lies
  ['collect', 'record'], // a ring is decoded where it is collected
];
/**
 * What a host needs of stages outside of a capture: while it idles, or to hand something over. Whatever else it wants
 * of them is the engine's, which is loaded when a capture is due.
 */
export const HOST_OF_STAGES: readonly string[] = [
  'host/environment.ts -> report/log.ts',
  'host/extension/capture.ts -> collect/findings.ts',
  'host/extension/capture.ts -> ship/parked.ts',
  'host/extension/deadline.ts -> trigger/deadline.ts',
  'host/extension/deadline.ts -> trigger/flag.ts',
  'host/extension/extension.ts -> ship/parked.ts',
  'host/extension/handoffs.ts -> trigger/anomaly.ts',
  'host/extension/handoffs.ts -> trigger/deadline.ts',
  'host/extension/handoffs.ts -> trigger/error.ts',
  'host/extension/main.ts -> detect/anomaly-monitor.ts',
  'host/extension/main.ts -> record/beside/beside.ts',
  'host/extension/main.ts -> report/log.ts',
  'host/extension/orders.ts -> trigger/anomaly.ts',
  'host/extension/prepare.ts -> ship/rehearsal.ts',
  'host/extension/received-handoffs.ts -> collect/ocsf.ts',
  'host/extension/shutdown.ts -> trigger/shutdown.ts',
  'host/extension/state.ts -> detect/anomaly-monitor.ts',
  'host/extension/state.ts -> record/beside/beside.ts',
  'host/extension/state.ts -> report/log.ts',
  'host/extension/state.ts -> ship/parked.ts',
  'host/handoff/facts.ts -> collect/environment.ts',
  'host/handoff/facts.ts -> collect/passive.ts',
  'host/handoff/facts.ts -> collect/runtime.ts',
  'host/handoff/facts.ts -> collect/scripts.ts',
  'host/limits/fleet.ts -> ship/slots.ts',
  'host/log.ts -> report/log.ts',
  'host/monitor/change-monitor.ts -> detect/anomaly-monitor.ts',
  'host/monitor/change-monitor.ts -> detect/own.ts',
  'host/monitor/start.ts -> detect/in-process.ts',
  'host/orders/control.ts -> ship/channels/index.ts',
  'host/orders/control.ts -> trigger/order-judge.ts',
  'host/orders/control.ts -> trigger/order.ts',
  'host/orders/event-order.ts -> trigger/event.ts',
  'host/orders/event-order.ts -> trigger/order-judge.ts',
  'host/orders/orders.ts -> trigger/event.ts',
  'host/wrapper/call.ts -> trigger/call.ts',
  'host/wrapper/record.ts -> record/arm.ts',
  'host/wrapper/redirect.ts -> report/log.ts',
  'host/wrapper/setup.ts -> trigger/index.ts',
  'host/wrapper/setup.ts -> trigger/own.ts',
  'host/wrapper/uncaught.ts -> trigger/error.ts',
];
/** Where the SDK of AWS may be imported: as values, and as types alone. */
export const SDK_VALUES: readonly string[] = ['ship', 'acquire', 'attach', 'plane'];
export const SDK_TYPES: readonly string[] = [...SDK_VALUES, 'hunt', 'doctor'];
/** What host/ holds beside its rooms: all of them stand on it. */
export const SHARED_BY_HOST: readonly string[] = ['environment.ts', 'log.ts'];
