/** Two kinds of evidence on one subject, and the policy. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { policyOf, readPolicy } from '../../src/config/detect-policy.ts';
import { resolveConfig } from '../../src/config/config.ts';
import type { Detector, Finding, ObservedProcess } from '../../src/contracts/evidence.ts';
import { withTimes } from '../../src/detect/happened.ts';
import { judge } from '../../src/detect/judge.ts';
import { stagedExecutable } from '../../src/detect/staged-executable.ts';
import { baselineOf, fileOf, findingsOf, INIT_MS, nowOf, processOf, socketOf, told } from './scene.ts';

/** A browser as Puppeteer starts it: unpacked into /tmp, kept, on pipes, on its way to a site. */
const BROWSER = [
  processOf({
    pid: 40,
    exe: '/tmp/chromium',
    comm: 'chromium',
    argv: ['/tmp/chromium', '--headless', '--remote-debugging-port=0'],
    session: 40,
    env: { LD_LIBRARY_PATH: '/tmp/al2023/lib' },
    mapped: ['/tmp/libvk_swiftshader.so'],
  }),
  processOf({
    pid: 41,
    ppid: 40,
    exe: '/tmp/chromium',
    comm: 'chromium',
    argv: ['/tmp/chromium', '--type=renderer'],
    session: 40,
  }),
];

describe('correlation', () => {
  test('what was brought along, hides and talks to a stranger is high, each of its findings with the other', () => {
    const findings = findingsOf({
      now: nowOf({
        processes: [processOf({ exe: '/tmp/.tool' })],
        sockets: [socketOf({ remoteAddress: '203.0.113.7' })],
      }),
    });
    const staged = findings.find(({ detector }) => detector === 'staged-executable');
    assert.equal(staged?.severity, 'critical');
    assert.deepEqual(staged.raisedBy, ['disguised-name', 'outbound']);
  });

  test('where it talks to raises no program that was brought along', () => {
    const now = nowOf({
      processes: [processOf({ exe: '/tmp/engine/query-engine' })],
      sockets: [socketOf({ remoteAddress: '203.0.113.7' })],
    });
    assert.deepEqual(told({ now }), ['staged-executable:medium', 'survivor:low', 'outbound:low']);
  });

  test('a child counts with its parent, and not with another child of the runtime', () => {
    const parent = processOf({ pid: 40, exe: '/tmp/tool' });
    const shell = processOf({ pid: 41, ppid: 40, exe: '/usr/bin/sh', argv: ['sh'] });
    assert.ok(told({ now: nowOf({ processes: [parent, shell] }) }).includes('shell-child:high'));
    assert.ok(told({ now: nowOf({ processes: [parent, { ...shell, ppid: 9 }] }) }).includes('shell-child:medium'));
  });

  test('more of one kind raise nothing', () => {
    const many = Array.from({ length: 20 }, (_, index) =>
      processOf({
        pid: 40 + index,
        startTicks: 5000 + index,
        ppid: index === 0 ? 9 : 39 + index,
        exe: '/tmp/tool',
        argv: ['/tmp/tool', String(index)],
      }),
    );
    assert.deepEqual(
      [...new Set(told({ now: nowOf({ processes: many }) }))],
      ['staged-executable:medium', 'survivor:low'],
    );
  });

  test('a browser that was unpacked into /tmp, is kept and visits a site stays below high', () => {
    const severities = findingsOf({
      now: nowOf({
        processes: BROWSER,
        sockets: [socketOf({ remoteAddress: '203.0.113.7' })],
        files: [fileOf({ path: '/tmp/chromium', magic: 'elf' })],
      }),
    }).map(({ severity }) => severity);
    assert.ok(severities.length >= 4);
    assert.deepEqual(
      severities.filter((severity) => severity === 'high' || severity === 'critical'),
      [],
    );
  });

  test('a process whose parents make a circle ends', () => {
    assert.ok(
      told({
        now: nowOf({
          processes: [processOf({ pid: 40, ppid: 41, exe: '/tmp/a' }), processOf({ pid: 41, ppid: 40, exe: '/tmp/a' })],
        }),
      }).length > 0,
    );
  });
});

describe('the policy', () => {
  const staged = nowOf({ processes: [processOf({ exe: '/tmp/tool' })] });

  test('turns detectors off, or all but some', () => {
    assert.deepEqual(told({ now: staged, policy: 'high,-staged-executable' }), ['survivor:low']);
    assert.deepEqual(told({ now: staged, policy: 'off,+staged-executable' }), ['staged-executable:medium']);
    assert.equal(policyOf('off,+miner').threshold, 'high');
    assert.equal(policyOf('off').threshold, 'off');
    assert.deepEqual(policyOf('medium,-miner,+miner').without, []);
  });

  for (const [rule, now, detector] of [
    ['exe=/tmp/to*', staged, 'staged-executable'],
    ['file=/tmp/x', nowOf({ files: [fileOf({ magic: 'elf' })] }), 'staged-file'],
    [
      'to=203.0.113.0/24:443',
      nowOf({ processes: [processOf({ exe: '/tmp/t' })], sockets: [socketOf({ remoteAddress: '203.0.113.7' })] }),
      'outbound',
    ],
    [
      'variable=LD_PRELOAD',
      nowOf({ processes: [processOf({ env: { LD_PRELOAD: '/tmp/a.so' } })] }),
      'environment-drift',
    ],
    [
      'resolver=203.0.113.9',
      nowOf({ processes: [processOf({})], sockets: [socketOf({ remoteAddress: '203.0.113.9', remotePort: 53 })] }),
      'foreign-resolver',
    ],
    ['extension=sneak', nowOf({ extensions: ['sneak'] }), 'unknown-extension'],
  ] as const) {
    test(`knows allow:${rule}`, () => {
      assert.ok(
        told({ now }).some((text) => text.startsWith(detector)),
        'without the rule',
      );
      assert.ok(
        !told({ now, policy: `high,allow:${rule}` }).some((text) => text.startsWith(detector)),
        'with the rule',
      );
    });
  }

  test('a rule for one port is none for another', () => {
    const now = nowOf({
      processes: [processOf({ exe: '/tmp/t' })],
      sockets: [socketOf({ remoteAddress: '203.0.113.7', remotePort: 4444 })],
    });
    assert.ok(told({ now, policy: 'high,allow:to=203.0.113.0/24:443' }).some((text) => text.startsWith('outbound')));
  });

  for (const text of [
    'loud',
    'high,low',
    'high,-nobody',
    'allow:exe=tmp',
    'allow:file=',
    'allow:name=x',
    'allow:to=*',
    'high,,-miner',
  ]) {
    test(`says what is wrong with ${text}`, () => assert.equal(typeof readPolicy(text), 'string'));
  }

  test('a wrong one is told with its variable, its value, what was expected and an example', () => {
    assert.throws(
      () => resolveConfig({ detect: 'high,-nobody' }, {}),
      /option `detect` is "high,-nobody"; expected names of detectors behind \+ and - \(runtime-changed.*for example high,-survivor/u,
    );
    assert.equal(resolveConfig({}, {}).detect, 'high');
  });
});

describe('judging', () => {
  test('a detector that throws does not silence the others', () => {
    const broken: Detector = {
      ...stagedExecutable,
      name: 'survivor',
      detect: () => {
        throw new TypeError('x');
      },
    };
    const { findings, failed } = judge(
      nowOf({ processes: [processOf({ exe: '/tmp/a' })] }),
      baselineOf(),
      policyOf('high'),
      [broken, stagedExecutable],
    );
    assert.deepEqual(
      failed.map(({ detector }) => detector),
      ['survivor'],
    );
    assert.equal(findings.length, 1);
  });

  test('the same thing has the same key at every look', () => {
    const at = (takenMs: number): string[] =>
      findingsOf({ now: nowOf({ takenMs, processes: [processOf({ exe: '/tmp/a' })] }) }).map(({ key }) => key);
    assert.deepEqual(at(INIT_MS + 30_000), at(INIT_MS + 40_000));
  });

  test('a finding has the time of the thing itself, and none where that is not known', () => {
    const startMs = INIT_MS - 3 * 60_000;
    const now = nowOf({
      takenMs: INIT_MS + 3_600_000,
      processes: [processOf({ pid: 40, startMs, exe: '/tmp/tool' })],
      files: [
        fileOf({ path: '/tmp/born', magic: 'elf', bornMs: INIT_MS + 2000.75, ctimeMs: INIT_MS + 9000 }),
        fileOf({ path: '/tmp/unborn', magic: 'elf', ctimeMs: INIT_MS + 8000 }),
      ],
      extensions: ['monitor', 'sneak'],
    });
    const found = findingsOf({ now });
    const at = (wanted: (one: Finding) => boolean): readonly unknown[] =>
      found.filter(wanted).map(({ happened }) => happened);
    assert.deepEqual(
      new Set(at(({ subject }) => subject.pid === 40).map((one) => JSON.stringify(one))),
      new Set([JSON.stringify({ time: new Date(startMs).toISOString(), of: 'process' })]),
    );
    assert.deepEqual(
      at(({ subject }) => subject.path === '/tmp/born'),
      [{ time: new Date(INIT_MS + 2000).toISOString(), of: 'file' }],
    );
    assert.deepEqual(
      at(({ subject }) => subject.path === '/tmp/unborn'),
      [{ time: new Date(INIT_MS + 8000).toISOString(), of: 'file' }],
    );
    assert.deepEqual(
      at(({ detector }) => detector === 'unknown-extension'),
      [undefined],
    );
  });

  test('a time is never that of another process with the pid, and one that no date holds is left out', () => {
    const untimed = stagedExecutable.detect(
      nowOf({ processes: [processOf({ pid: 40, exe: '/tmp/tool' })] }),
      baselineOf(),
      policyOf('high'),
    );
    const timed = (facts: Partial<ObservedProcess>): unknown =>
      withTimes(untimed, nowOf({ processes: [processOf({ pid: 40, ...facts })] }))[0]?.happened;
    assert.notEqual(timed({}), undefined);
    for (const facts of [{ startTicks: 5001 }, { pid: 41 }, { startMs: Number.NaN }, { startMs: 0 }, { startMs: 9e15 }])
      assert.equal(timed(facts), undefined);
  });

  test('a flood of findings is cut, and the severe ones are kept', () => {
    const files = Array.from({ length: 500 }, (_, index) => fileOf({ path: `/tmp/${String(index)}`, magic: 'elf' }));
    const processes = Array.from({ length: 300 }, (_, index) =>
      processOf({ pid: 1000 + index, startTicks: 6000 + index, exe: '/tmp/a' }),
    );
    const findings = findingsOf({
      now: nowOf({ files, processes: [...processes, processOf({ pid: 999, exe: '/memfd:x', exeDeleted: true })] }),
    });
    assert.equal(findings.length, 200);
    assert.equal(findings[0]?.subject.pid, 999);
  });
});
