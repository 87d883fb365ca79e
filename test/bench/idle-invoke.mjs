// Nanoseconds of `await handler(event, context)`, bare and wrapped, turn by turn: node idle-invoke.mjs LIBRARY
// [WRITABLE TREE]. Prints JSON.
const { withCapture } = await import(process.argv[2]);
const { default: middy } = await import('@middy/core');
const bare = async (event) => event;
const destination = 'file:///tmp/amber-bench';
const handlers = {
  bare,
  idle: withCapture(bare),
  error: withCapture(bare, { onError: 'any', destination, detect: 'off' }),
  deadline: withCapture(bare, { deadlineMs: 1000, destination, detect: 'off' }),
  anomaly: withCapture(bare, {
    destination,
    ...(process.argv[3] === undefined ? {} : { writable: [process.argv[3], '/dev/shm'] }),
  }),
  middy: middy(bare),
};
const CALLS = 50_000;
const ROUNDS = 20;
const event = { a: 1 };
// A context for each call, as the runtime makes it, with a deadline that moves.
const contextOf = () => {
  const deadline = Date.now() + 3000;
  return { getRemainingTimeInMillis: () => deadline - Date.now() };
};
const times = Object.fromEntries(Object.keys(handlers).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, handler] of Object.entries(handlers)) {
    const started = process.hrtime.bigint();
    for (let call = 0; call < CALLS; call += 1) await handler(event, contextOf());
    times[name].push(Number(process.hrtime.bigint() - started) / CALLS);
  }
}
console.log(
  JSON.stringify(
    Object.fromEntries(Object.entries(times).map(([name, all]) => [name, all.slice(5).sort((a, b) => a - b)[7]])),
  ),
);
