// One process, one import: node --expose-gc idle-import.mjs MODULE. Prints milliseconds, bytes and built-in modules as
// JSON.
performance.now(); // loads what the clock needs, before it counts
const before = new Set(process.moduleLoadList);
const globals = new Set(Object.keys(globalThis));
globalThis.gc();
const heap = process.memoryUsage();
const started = performance.now();
const { handler } = await import(process.argv[2]);
const ms = performance.now() - started;
globalThis.gc();
const after = process.memoryUsage();
if (typeof handler !== 'function') throw new Error('the module exports no handler');
console.log(
  JSON.stringify({
    ms,
    heap: after.heapUsed - heap.heapUsed,
    rss: after.rss - heap.rss,
    globals: Object.keys(globalThis).filter((name) => !globals.has(name)),
    modules: process.moduleLoadList.filter((name) => !before.has(name)),
  }),
);
