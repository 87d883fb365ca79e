/**
 * Of a mount that somebody serves no process of Amber asks anything, but the reader that may be left behind: by
 * strace(1).
 */
import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { requirePeer } from '../../peers.ts';
import { callsIn, tracer, type Served, type Traced } from './calls.ts';
import { canServe, captureServed, runBeside, type ServedFacts, type ServedJob } from './served.ts';

const LIMIT = { timeout: 240_000 };
const READER = 'lambda-amber: reads what may never answer, and may be abandoned';
const PROCFS = 'lambda-amber: reads procfs of processes that may not let go, and may be abandoned';

/** The job under strace, with a link to the mount, and what came of the trace. */
function traced(job: ServedJob): ServedJob & { readonly found: (served?: Served) => Traced } {
  let log = '';
  let mount: Served = { at: [], links: [] };
  return {
    hardStopInMs: 60_000,
    ...job,
    prepare: (folder) => {
      symlinkSync(join(folder, 'tree/served'), join(folder, 'link'));
      mount = { at: [join(folder, 'tree/served')], links: [join(folder, 'link')] };
    },
    under: (folder) => tracer(join(folder, 'calls')),
    look: (folder) => void (log = readFileSync(join(folder, 'calls'), 'latin1')),
    found: (served = mount) => callsIn(log, served),
  };
}

/** What a server has in a namespace of its own is reached through procfs alone. */
function linksOf({ holder, outer, implant, named, gone, passedNamed, passedGone }: ServedFacts): readonly string[] {
  const folders = (...pids: readonly number[]): readonly string[] =>
    pids.flatMap((pid) => [`/proc/${pid}`, `/proc/${pid}/task/${pid}`]);
  return [
    ...folders(implant).map((folder) => `${folder}/exe`),
    ...folders(holder, implant).map((folder) => `${folder}/map_files`),
    ...folders(holder).flatMap((folder) => [named, gone].map((fd) => `${folder}/fd/${fd}`)),
    ...folders(outer).flatMap((folder) => [passedNamed, passedGone].map((fd) => `${folder}/fd/${fd}`)),
  ];
}

const may = (t: TestContext): boolean => canServe(t) && requirePeer(t, 'strace');
const textOf = (touching: Traced['touching']): readonly string[] => touching.map(({ by, text }) => `${by}: ${text}`);
const PINNED = /^main: openat\(AT_FDCWD, "\/proc\/\d+\/(?:exe|fd\/\d+)", O_RDONLY\|O_CLOEXEC\|O_PATH\)/u;

describe('system calls on a mount that somebody serves', () => {
  it('are all seen by the trace: the control', LIMIT, async (t) => {
    if (!may(t)) return;
    const { found, ...job } = traced({ mode: 'alive' });
    await runBeside(t, job, 'calls-child.ts');
    const seen = textOf(found().touching);
    for (const one of [
      /statx?\([^"]*"[^"]*\/tree\/served"/u,
      /(?:stat|statx)\([^"]*"[^"]*\/served\/implant"/u,
      /statfs\("[^"]*\/tree\/served"/u,
      /openat\([^"]*"[^"]*\/tree\/served", .*O_DIRECTORY/u,
      /getdents64\(\d+/u,
      /statx?\([^"]*"[^"]*\/link"/u,
      /openat\([^"]*"[^"]*\/link\/implant"/u,
      /statx?\([^"]*"\/proc\/self\/fd\/\d+\/served"/u,
      /(?:fstat|newfstatat|statx)\(\d+, (?:""|\{)/u,
      /(?:read|pread64)\(\d+/u,
    ])
      assert.ok(
        seen.some((line) => one.test(line)),
        `${String(one)}\n${seen.join('\n')}`,
      );
    assert.ok(seen.every((line) => !line.includes('/plain"')));
  });

  it(
    'below a tree that is walked, and by a link that is a root: the reader alone, and that hangs',
    LIMIT,
    async (t) => {
      if (!may(t)) return;
      const { found, ...job } = traced({ mode: 'here', writable: ['FOLDER/tree', 'FOLDER/link'] });
      const { report, items } = await captureServed(t, job);
      assert.equal(report.state, 'whole', JSON.stringify(report));
      assert.equal(items.find(({ collector }) => collector === 'served')?.outcome, 'timed-out');
      const seen = found();
      assert.ok(seen.count > 1000, `${seen.count} calls were seen`);
      assert.ok(seen.programs.has(READER));
      assert.deepEqual(textOf(seen.touching.filter(({ by }) => by !== READER)), []);
      assert.ok(
        seen.touching.some(({ by }) => by === READER),
        'the reader has tried',
      );
    },
  );

  it(
    'that lies in a namespace of its own, by descriptors, mappings and executables: links of procfs are held, and nothing is asked',
    LIMIT,
    async (t) => {
      if (!may(t)) return;
      const { found, ...job } = traced({});
      const { report, asked, facts } = await captureServed(t, job);
      assert.equal(report.state, 'whole', JSON.stringify(report));
      const seen = found({ at: [], links: linksOf(facts) });
      assert.ok(seen.count > 1000, `${seen.count} calls were seen`);
      assert.ok(seen.programs.has(PROCFS), 'procfs is read by a child');
      // O_PATH opens nothing: it sends the server no request, which its own log shows. What is held so is only closed
      // again.
      const touching = textOf(seen.touching);
      assert.ok(
        touching.some((line) => PINNED.test(line)),
        'the executable of the implant has no fdinfo',
      );
      assert.deepEqual(
        touching.filter((line) => !PINNED.test(line)),
        [],
      );
      assert.deepEqual(asked, []);
    },
  );
});
