/**
 * What the caller waits for when his invocation is captured: in process, and where the extension takes the capture
 * over.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openScene } from '../host/extension/sandbox.ts';
import { canIsolate } from '../sandbox/ground.ts';
import { median, type Measure, type Row } from './measure.ts';
import { startSink, type Sink } from './sandboxed.ts';

export const handed: Measure = {
  name: 'handed',
  title:
    'an invocation that is captured, as the caller sees it: in process against handed to the extension; S3 30 ms away',
  run: async ({ quick, folder }) => {
    if (!canIsolate())
      return [{ what: 'handed', notRun: 'needs root, for namespaces, and a checkout outside of /tmp' }];
    const home = join(folder, 'handed');
    mkdirSync(home);
    chmodSync(home, 0o755);
    const sink = await startSink(30);
    writeFileSync(join(home, 'ca.pem'), sink.certificate, { mode: 0o644 });
    try {
      return [await firstInvocation(quick ? 3 : 11, home, sink)];
    } finally {
      sink.close();
    }
  },
};

async function firstInvocation(runs: number, home: string, sink: Sink): Promise<Row> {
  const [alone, both]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    alone.push(await capturedMs(home, sink, true));
    both.push(await capturedMs(home, sink, false));
  }
  return {
    what: 'first invocation under AMBER_CAPTURE=now',
    ours: median(both),
    unit: 'ms',
    against: { name: 'wrapper alone', value: median(alone) },
    note: 'what only the process knows is collected before the answer; the rest after it',
  };
}

async function capturedMs(home: string, sink: Sink, alone: boolean): Promise<number> {
  const cleanup: (() => Promise<void>)[] = [];
  try {
    const platform = await openScene(
      { after: (done) => void cleanup.push(done) },
      {
        alone,
        handler: 'wrapped.handler',
        mounts: { sink: home },
        freeze: false,
        env: {
          AMBER_CAPTURE: 'now',
          AMBER_DESTINATION: 's3://evidence-bucket/amber',
          AMBER_S3_ENDPOINT: sink.endpoint,
          AMBER_S3_PATH_STYLE: '1',
          AMBER_S3_TRANSPORT: 'light',
          NODE_EXTRA_CA_CERTS: '/mnt/sink/ca.pem',
        },
      },
    );
    const before = sink.puts.length;
    const { tookMs } = await platform.invoke({ say: 1 }, 30_000);
    await platform.idle();
    if (!sink.puts.slice(before).some(({ name }) => name === 'manifest.json'))
      throw new Error(`nothing was captured:\n${platform.log()}`);
    return tookMs;
  } finally {
    for (const done of cleanup) await done();
  }
}
