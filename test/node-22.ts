/**
 * What is run on Node 22 as well, which is Lambda's nodejs22.x: what can end otherwise there. Streams, files, sockets,
 * TLS, compression, digests, heap and report of a process, modules and threads are Node's. What is left out says the
 * same on both: rules on text alone (configuration, redaction, parsers), and tests that start a Node 22 of their own.
 */
export const ON_NODE_22: readonly string[] = [
  // tar, zstd and SHA-256 in streams; threads
  'test/archive',
  // the recipe as a whole, a destination that is out
  'test/capture',
  // Node's own report, heap, inspector, process and file handles
  'test/collect',
  'test/fs',
  'test/proc/live.test.ts',
  'test/proc/hang.test.ts',
  'test/proc/bounded-pool.test.ts',
  // promises, callbacks, timers and modules around a handler; what starts both Nodes itself is left out
  'test/host/limits',
  'test/host/handoff',
  'test/host/monitor',
  'test/host/orders',
  'test/host/extension/extension.test.ts',
  'test/host/extension/faults.test.ts',
  'test/host/extension/parked.test.ts',
  'test/host/extension/resets.test.ts',
  'test/host/extension/stream.test.ts',
  'test/host/wrapper/call.test.ts',
  'test/host/wrapper/copies.test.ts',
  'test/host/wrapper/due.test.ts',
  'test/host/wrapper/hold.test.ts',
  'test/host/wrapper/idle.test.ts',
  'test/host/wrapper/idle-wrap.test.ts',
  'test/host/wrapper/middleware.test.ts',
  'test/host/wrapper/redirect.test.ts',
  'test/host/wrapper/unknown-names.test.ts',
  'test/host/wrapper/wrap.test.ts',
  'test/lambda',
  // text that makes a regular expression run away: another V8
  'test/secrets/hostile.test.ts',
  'test/secrets/capture.test.ts',
  'test/secrets/outputs.test.ts',
  'test/secrets/encoded.test.ts',
  // Web Crypto
  'test/seal',
  // requests, connections, names and TLS
  'test/ship',
  'test/report/log.test.ts',
  // descriptors, files without a name, diagnostics channels and bindings
  'test/record',
  // signatures
  'test/trigger/order.test.ts',
  // one of each that is text alone: it loads the room on Node 22
  'test/config/config.test.ts',
  'test/trigger/triggers.test.ts',
];
