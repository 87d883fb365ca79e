/** The process of the bench: arms the recorder and times its parts. Prints JSON. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtinGroups } from '../../src/host/monitor/builtins.ts';
import { armRecorder, type Recording } from '../../src/record/arm.ts';
import { openRecorder } from '../../src/record/recorder.ts';
import { origin } from '../../src/record/origin.ts';

const CALLS = 20_000;
const EVENTS = 60;

const loadModule = process.getBuiltinModule('node:module').createRequire(import.meta.url);
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
/** Nanoseconds of CPU a call: what else the machine does is not counted. */
const timed = (count: number, call: (at: number) => void): number => {
  const started = cpuMs();
  for (let at = 0; at < count; at += 1) call(at);
  return ((cpuMs() - started) * 1e6) / count;
};

const recording = armRecorder({
  level: 'events',
  env: process.env,
  initial: { ...process.env },
  functions: builtinGroups(),
});

const folder = mkdtempSync(join(tmpdir(), 'amber-recorder-'));
const load = (from: number, to: number): void => {
  for (let at = from; at < to; at += 1) {
    const file = join(folder, `m${at}.js`);
    writeFileSync(
      file,
      `exports.one = () => ${at}; exports.Two = class { a() {} b() {} c() {} }; exports.three = ${at};`,
    );
    loadModule(file);
  }
};
const begins: Record<string, number> = {};
const longest: Record<string, number> = {};
let invocation = 0;
let loaded = 0;
for (const count of [0, 50, 500]) {
  load(loaded, count);
  loaded = count;
  measure(recording, String(count));
}
function measure({ begins: begin, facts }: Recording, name: string): void {
  // What has come is compared at once, and everything is noted, before the ordinary ones.
  for (let at = 0; at < 5000; at += 1) begin((invocation += 1));
  begins[name] = timed(CALLS, () => begin((invocation += 1)));
  longest[name] = facts().longestDelay;
}

// Of each kind its allowance admits so many at once: a recorder of its own for each round.
const event: number[] = [];
const withOrigin: number[] = [];
for (let round = 0; round < 60; round += 1) {
  const one = openRecorder({ language: 'bench', pid: process.pid });
  event.push(timed(EVENTS, (at) => void one.put('connect', `203.0.113.7:${at}`)));
  const other = openRecorder({ language: 'bench', pid: process.pid });
  withOrigin.push(timed(EVENTS, (at) => void other.put('connect', `203.0.113.7:${at}`, { origin })));
}
const again = openRecorder({ language: 'bench', pid: process.pid });
const repeat = timed(200_000, () => void again.put('resolve', 'example.com', { origin }));
rmSync(folder, { recursive: true });
const middle = (all: number[]): number => all.slice(10).sort((a, b) => a - b)[25] ?? Number.NaN;
console.log(JSON.stringify({ repeat, event: middle(event), origin: middle(withOrigin), begins, longest }));
