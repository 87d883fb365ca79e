// One process, one start: node start-job.mjs MODULE. Prints as JSON the milliseconds of CPU until the module was
// imported, and until its first invocation was answered.
const load = process.getBuiltinModule('node:module').createRequire(import.meta.url);
const [, , file] = process.argv;
const context = { awsRequestId: 'a', getRemainingTimeInMillis: () => 3000 };
const spent = (before) => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};
spent();
const before = process.cpuUsage();
const { handler } = file.endsWith('.cjs') ? load(file) : await import(file);
const imported = spent(before);
await handler({}, context);
const invoked = spent(before);
if (typeof handler !== 'function') throw new TypeError('the module exports no handler');
console.log(JSON.stringify({ imported, invoked }));
