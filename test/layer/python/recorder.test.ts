/** The recorder in Python, in a process of its own: what it tells of each act, what it bounds, what it leaves alone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ftruncateSync, openSync, watch, writeSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import type { RecordedEvent } from '../../../src/contracts/recorded.ts';
import { KINDS, SLOTS } from '../../../src/record/format.ts';
import { STARTS_BOTH } from '../../sandbox/clients.ts';
import { absent, pythonOf, type PythonVersion, VERSIONS } from './pythons.ts';
import { act, type Acted } from './recorded.ts';

const SECRET = 'hunter2-Zq8Wv3Lm5Rt7';

function programOf(t: TestContext, version: PythonVersion): string | undefined {
  const program = pythonOf(version);
  if (program === undefined) absent(t, version);
  return program;
}

const lines = (events: readonly RecordedEvent[]): string[] =>
  events.map(({ kind, subject, argv, detail }) =>
    [kind, subject, ...(argv === undefined ? [] : [JSON.stringify(argv)]), ...Object.values(detail ?? {})].join(' '),
  );

function holds({ events, stderr, ring }: Acted, wanted: readonly (string | RegExp)[]): void {
  const all = lines(events);
  assert.deepEqual(ring.faults, []);
  for (const one of wanted)
    assert.ok(
      all.some((line) => (typeof one === 'string' ? line === one : one.test(line))),
      `${String(one)} is not in\n${all.join('\n')}\n${stderr}`,
    );
}

// biome-ignore format: a table, a row an act
const TOLD: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  start_children: [
    'spawn /bin/true ["/bin/true","a b","\\udcff"] LD_PRELOAD=/tmp/evil.so', 'spawn /bin/sh ["/bin/sh","-c","exit 0"]',
    'spawn /bin/sh ["sh","-c","true # system"]', 'spawn /bin/true ["true","spawned"]',
  ],
  fetch: [/^connect 127\.0\.0\.1:\d+$/u, /^listen 127\.0\.0\.1:0 bind$/u, /^request POST http:\/\/127\.0\.0\.1:\d+$/u],
  look_up: ['resolve exfil.invalid address 34 20', 'request OTHER ftp:'],
  files: [
    /^write \/tmp\/amber-act-\d+$/u, /^write \/tmp\/amber-act-\d+ chmod 755$/u, /^write \/tmp\/amber-act-\d+\.enc remove$/u,
    /^write \/tmp\/amber-act-(\d+) rename \/tmp\/amber-act-\1\.enc$/u, 'read /proc/self/environ', /^read \/proc\/\d+\/maps$/u,
  ],
  code: [/^code (?:1 \+ 1|<string>: )/u, 'code x = 2 <webshell>', /^module \/tmp\/amber_act_\d+\.py$/u],
  turned: ['variable HTTPS_PROXY=http://evil.example:3128/?', 'variable AWS_ENDPOINT_URL_S3=https://evil.example', 'variable HTTPS_PROXY'],
  others: [
    'unpickle posix.getcwd', 'heap gc.get_objects', 'addon /tmp/absent.so', /^signal 0 to \d+$/u, /^worker __main__\.no_handler$|^away threads no audit event before Python 3\.12$/u,
    'hook sys.settrace', 'datagram 127.0.0.1:9', 'connect unix:@absent', 'method __main__ no_handler __code__',
  ],
  replace: [
    /^method http\.client HTTPConnection\.putrequest .*acts\.py$/u, /^builtin builtins\.open .*acts\.py$/u,
    'hook sys.meta_path __main__.Backdoor',
  ],
};

for (const version of VERSIONS) {
  describe(`the recorder on Python ${version}`, { skip: STARTS_BOTH }, () => {
    for (const [name, wanted] of Object.entries(TOLD)) {
      test(`tells of ${name.replace('_', ' ')}`, async (t) => {
        const program = programOf(t, version);
        if (program === undefined) return;
        await act(program, ['plain', name], (acted) => {
          holds(acted, wanted);
          const [begin] = acted.events;
          assert.match(`${begin?.kind} ${begin?.subject}`, new RegExp(`^begin python ${version}\\.\\d+$`, 'u'));
          assert.deepEqual([acted.ring.pids, acted.ring.sizeFault], [[acted.pid], 0]);
          assert.deepEqual([acted.told['handler'], acted.told['name']], ['no_handler', '__main__.no_handler']);
          assert.deepEqual(acted.log, []);
          // Queries, user info, headers, bodies, variables that lead nowhere.
          assert.ok(!acted.bytes.includes(SECRET), lines(acted.events).join('\n'));
        });
      });
    }

    test('names the code that did it, and the pipes of a child', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      await act(program, ['plain', 'start_children'], ({ events }) => {
        const child = events.find(({ argv }) => argv?.[1] === 'a b');
        assert.match(child?.origin?.[0] ?? '', /test\/layer\/python\/acts\.py$/u);
        assert.deepEqual(child?.lineage, { stdio: ['inherit', 'pipe', 'inherit'] });
      });
    });

    test('bounds a flood by kind, counts what it leaves out and what comes again', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      await act(program, ['plain', 'flood'], ({ events, ring }) => {
        const kinds = (kind: string): readonly RecordedEvent[] => events.filter((event) => event.kind === kind);
        assert.ok(kinds('signal').length <= KINDS.signal.burst + 4, `${kinds('signal').length}`);
        assert.ok(Number(kinds('limit').at(-1)?.detail?.['left']) >= 4096);
        assert.deepEqual(
          kinds('spawn').map(({ count }) => count),
          [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
        );
        assert.equal(ring.overwritten, 0);
      });
    });

    test('never touches a file of a function that closes every descriptor, and goes on in a new ring', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      await act(program, ['plain', 'closed'], (acted) => {
        assert.deepEqual([acted.told['size'], acted.told['untouched'], acted.told['alive']], [0, true, true]);
        holds(acted, [/^begin python .* 2 taken away$/u, 'spawn /bin/sh ["sh","-c","true # after"]']);
      });
    });

    test('takes no write of others, and wakes who watches it', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      await act(program, ['plain'], ({ path, pid }) => {
        const fd = openSync(path, 'r+');
        assert.throws(() => writeSync(fd, 'x', 0), { code: 'EPERM' });
        assert.throws(() => ftruncateSync(fd, 0), { code: 'EPERM' });
        assert.ok(pid > 0);
      });
      await act(program, ['plain', 'wakes'], async ({ path, pid }) => {
        const watcher = watch(path);
        process.kill(pid, 'SIGUSR1');
        await once(watcher, 'change', { signal: AbortSignal.timeout(10_000) });
        watcher.close();
      });
    });

    test('takes what forked children tell, one after the other', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      await act(program, ['plain', 'forks'], ({ events, ring, told }) => {
        const children = told['children'] as number[];
        assert.deepEqual([ring.faults, ring.missing, ring.overwritten], [[], [], 0]);
        assert.deepEqual(
          children.map((pid) => events.filter((event) => event.pid === pid && event.kind === 'spawn').length),
          children.map(() => 10),
        );
        assert.ok(events.length < SLOTS);
      });
    });

    test('lets through every exception that a handler of a signal raises', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      await act(program, ['plain', 'alarms'], ({ told }) => {
        assert.deepEqual([told['raised'], told['caught']], [300, 300]);
      });
    });

    test('says so where another hook refuses it, and the function is handed back', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      await act(program, ['refused', 'start_children'], (acted) => {
        assert.equal(acted.told['handler'], 'no_handler');
        assert.deepEqual(lines(acted.events).slice(1), ['away sys.addaudithook another audit hook refuses it']);
        assert.deepEqual(
          acted.log.map(({ effect, where }) => [effect, where]),
          [['events are not recorded', 'layer']],
        );
      });
    });

    test('goes on in a new ring when a snapshot is restored', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      const env = { AWS_LAMBDA_INITIALIZATION_TYPE: 'snap-start', SNAPSHOT: '1' };
      await act(
        program,
        ['plain', 'restored'],
        (acted) => {
          holds(acted, [/^begin python .* 2 restored$/u]);
        },
        env,
      );
    });

    test('leaves what only the process knows', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      await act(program, ['plain', 'replace', 'turned', 'invocation'], ({ facts, pid }) => {
        const {
          process: own,
          modules,
          threads,
          tampering,
          environment,
        } = facts as unknown as {
          process: { pid: number };
          modules: { name: string; file?: string }[];
          threads: { name?: string; stack: string[] }[];
          tampering: { patched: { name: string }[] };
          environment: { added: { variables: Record<string, string> } };
        };
        assert.equal(own.pid, pid);
        assert.match(modules.find(({ name }) => name === 'http.client')?.file ?? '', /\/http\/client\.py$/u);
        assert.match(threads.find(({ name }) => name === 'MainThread')?.stack.at(-1) ?? '', /acts\.py:\d+ <module>$/u);
        assert.ok(tampering.patched.some(({ name }) => name === 'http.client HTTPConnection.putrequest'));
        assert.equal(environment.added.variables['AWS_ENDPOINT_URL_S3'], 'https://evil.example');
      });
    });

    test('is off where it is asked to be, and says what it does not understand', async (t) => {
      const program = programOf(t, version);
      if (program === undefined) return;
      const offs = [
        { AMBER_RECORD: 'off' },
        { AMBER_RECORD: '' },
        { AMBER_RECORD: '', AMBER_DESTINATION: 's3://b/p', AMBER_DETECT: 'off' },
        { AMBER_DISABLED: '1' },
        { AMBER_RECORD: 'all' },
      ];
      for (const env of offs)
        await act(
          program,
          ['plain', 'start_children'],
          ({ path, told, log }) => {
            assert.deepEqual([path, told['handler'], told['name']], ['', 'no_handler', '__main__.no_handler']);
            assert.deepEqual(
              log.map(({ error }) => error),
              env.AMBER_RECORD === 'all'
                ? ['AMBER_RECORD is all, expected off, events or paths; for example events']
                : [],
            );
          },
          env,
        );
      const on = { AMBER_RECORD: '', AMBER_DESTINATION: 's3://b/p' };
      await act(program, ['plain'], ({ path }) => assert.notEqual(path, ''), on);
    });
  });
}
