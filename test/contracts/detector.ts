/**
 * What every detector keeps to, whatever it looks for. Run it over a detector of your own:
 *
 * ```ts
 * testDetector(myDetector);
 * ```
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { DetectPolicy, Detector, Finding, Observation, Severity } from '../../src/contracts/evidence.ts';
import type { RecordedKind } from '../../src/contracts/recorded.ts';
import { KINDS } from '../../src/record/format.ts';
import { policyOf } from '../../src/config/detect-policy.ts';
import { baselineOf, eventOf, fileOf, INIT_MS, nowOf, ownOf, processOf, socketOf } from '../detect/scene.ts';

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];
const POLICY: DetectPolicy = policyOf('high');
/** Names that an attacker gives: control characters, bytes that are no text, paths upwards, of great length. */
const NAMES = [
  '',
  '/',
  '/tmp/\n\u001b[2J',
  '/tmp/\xff\xfe',
  '/tmp/../../proc/1/mem',
  '/dev/shm/memfd:x (deleted)',
  `/tmp/${'n'.repeat(4090)}`,
  '__proto__',
];
const NUMBERS = [0, -1, 1, 2 ** 31, Number.MAX_SAFE_INTEGER, Number.NaN, Infinity];
const CROWD = 2000;

/** Nothing is there but the code. */
const EMPTY: Observation = {
  ...baselineOf(),
  processes: [],
  sockets: [],
  files: [],
  writable: [],
  extensions: [],
  nameservers: [],
};

/**
 * Everything that an attacker can name or number, named and numbered to do harm. The kernel alone sets the times of
 * change and birth, and Node tells the time of a start.
 */
function hostile(by: Observation['by']): Observation {
  const processes = NAMES.flatMap((name, index) => [
    processOf({
      pid: 100 + index,
      exe: name,
      argv: [name, name],
      comm: name.slice(0, 15),
      cwd: name,
      mapped: [name],
      peeks: [name],
      stdio: [name, name, name],
      sockets: [name],
      exeDeleted: true,
    }),
    processOf({
      pid: 200 + index,
      exe: undefined,
      argv: [],
      cwd: undefined,
      env: undefined,
      stdio: undefined,
      ppid: 200 + index,
    }),
  ]);
  const sockets = [...NAMES.slice(0, 4), '::', '::ffff:1.2.3.4', '999.1.1.1'].flatMap((address) =>
    NUMBERS.map((port) =>
      socketOf({
        localAddress: address,
        remoteAddress: address,
        localPort: port,
        remotePort: port,
        inode: address,
        pids: [100, port],
      }),
    ),
  );
  const files = NAMES.flatMap((path) =>
    NUMBERS.map((number, index) =>
      fileOf({
        path: `${path}${index}`,
        size: number,
        mode: number,
        inode: number,
        mtimeMs: number,
        magic: 'elf',
        target: path,
      }),
    ),
  );
  const own = ownOf({
    spawned: NAMES.map((file, index) => ({
      file,
      argv: [file, file],
      pid: NUMBERS[index % NUMBERS.length],
      atMs: INIT_MS,
    })),
    patched: NAMES.map((name) => ({ name, script: name })),
    resolvers: NAMES,
    heapBytes: Number.NaN,
    rssBytes: Infinity,
  });
  const events = Object.keys(KINDS).flatMap((kind) =>
    NAMES.map((name) =>
      eventOf({
        kind: kind as RecordedKind,
        subject: name,
        argv: [name, name],
        origin: ['eval', name],
        detail: { env: name },
        timeMs: Infinity,
      }),
    ),
  );
  const stats = Object.fromEntries(NAMES.map((name) => [name, name]));
  return nowOf({
    by,
    processes,
    sockets,
    files,
    writable: NAMES,
    extensions: NAMES,
    nameservers: NAMES,
    code: { handler: '\n', stats },
    recorded: { events, left: 0 },
    doubts: NAMES.map((identity) => ({ identity, holders: NUMBERS, changed: NUMBERS, erased: NUMBERS })),
    own: by === 'process' ? own : undefined,
  });
}

/** As much as a fork bomb, a scanner and an unpacked archive leave. */
function crowded(): Observation {
  const each = Array.from({ length: CROWD }, (_, index) => index);
  return nowOf({
    processes: each.map((index) =>
      processOf({ pid: 1000 + index, exe: `/tmp/${index}`, argv: ['/bin/sh', '-i'], sockets: [`${index}`] }),
    ),
    sockets: each.map((index) =>
      socketOf({ inode: `${index}`, remoteAddress: '203.0.113.7', remotePort: 4444, pids: [1000 + index] }),
    ),
    files: each.map((index) => fileOf({ path: `/tmp/${index}`, inode: index, mode: 0o755, magic: 'elf' })),
  });
}

/** Freezes all of it: a detector that writes into an observation throws. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}

export function testDetector(detector: Detector): void {
  const look = (now: Observation, then: Observation = baselineOf()): readonly Finding[] => {
    const findings = detector.detect(frozen(now), frozen(then), POLICY);
    assert.deepEqual(detector.detect(now, then, POLICY), findings, 'the same look finds the same');
    for (const finding of findings) check(finding);
    assert.equal(new Set(findings.map(({ key }) => key)).size, findings.length, 'each thing is told once');
    return findings;
  };
  const check = (finding: Finding): void => {
    assert.equal(finding.detector, detector.name);
    assert.ok(SEVERITIES.indexOf(finding.severity) <= SEVERITIES.indexOf(detector.severity), finding.severity);
    assert.ok(
      Object.values(finding.subject).some((value) => value !== undefined),
      'it is about something',
    );
    assert.ok(finding.title !== '' && finding.evidence.length > 0 && finding.benign.length > 0, finding.title);
  };

  suite(`the detector ${detector.name}`, () => {
    test('finds nothing where nothing is, and nothing in what was there at init', () => {
      assert.deepEqual(look(EMPTY, EMPTY), []);
      assert.deepEqual(look(EMPTY), []);
      assert.deepEqual(look(baselineOf()), []);
    });
    for (const by of ['extension', 'process'] as const)
      test(`does not throw at names and numbers of an attacker, beside ${by}`, () => {
        look(hostile(by));
        look(hostile(by), EMPTY);
      });
    test('tells no more things of a crowd than there are', () => assert.ok(look(crowded()).length <= 3 * CROWD));
  });
}
