/** What control channels do between reads: names are asked for in time, and no event loop is held. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { backgroundNames } from '../../src/ship/background.ts';
import { silentServer, unreachedServer } from '../servers/silent.ts';
import { KEYS } from './channel-keys.ts';

describe('names in the background', () => {
  const look = (names: ReturnType<typeof backgroundNames>, all = false): Promise<unknown> =>
    new Promise((resolve) => {
      names.lookup('bucket.example', { all }, (error, address) =>
        resolve(
          error === null ? address : ((error as { details?: { fault?: unknown } }).details?.fault ?? error.message),
        ),
      );
    });

  test('are asked for once a minute, and one address is given at a time', async (t) => {
    let asked = 0;
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const names = backgroundNames(() => Promise.resolve([`192.0.2.${String((asked += 1))}`, '2001:db8::1']));
    assert.deepEqual(
      [await look(names), await look(names, true), await look(names)],
      ['192.0.2.1', [{ address: '2001:db8::1', family: 6 }], '192.0.2.1'],
    );
    t.mock.timers.tick(60_001);
    assert.equal(await look(names), '192.0.2.2');
  });

  test('while it is quiet nothing is asked: what was learned serves, whatever its age', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const names = backgroundNames(() => Promise.resolve(['192.0.2.1']));
    names.quiet = true;
    assert.equal(await look(names), 'NotResolved');
    names.quiet = false;
    await look(names);
    names.quiet = true;
    t.mock.timers.tick(86_400_000);
    assert.equal(await look(names), '192.0.2.1');
  });
});

describe('a read keeps no event loop alive', () => {
  const script = (endpoint: string, quiet: boolean): string => `
    const { openChannel } = await import(${JSON.stringify(new URL('../../src/ship/channels/index.ts', import.meta.url).href)});
    const { resolveConfig } = await import(${JSON.stringify(new URL('../../src/config/config.ts', import.meta.url).href)});
    const config = resolveConfig({ s3Endpoint: ${JSON.stringify(endpoint)}, s3PathStyle: true }, {});
    const channel = await openChannel('s3://bucket/k', config, ${JSON.stringify(KEYS)});
    const started = performance.now();
    process.on('exit', () => console.log(Math.round(performance.now() - started)));
    void channel.read(1000, AbortSignal.timeout(60000), { quiet: ${String(quiet)} });`;
  const lived = (endpoint: string, quiet: boolean): Promise<number> =>
    new Promise((resolve) => {
      setImmediate(() => {
        const { stdout } = spawnSync(
          process.execPath,
          ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script(endpoint, quiet)],
          { encoding: 'utf8', timeout: 30_000 },
        );
        resolve(stdout === '' ? Number.POSITIVE_INFINITY : Number(stdout));
      });
    });

  test('while it waits for an answer, nor for longer than a short time while it connects', async () => {
    const [silent, unreached] = await Promise.all([silentServer(), unreachedServer()]);
    try {
      // The read has 60 s; what is left of the process has none.
      assert.ok((await lived(silent.endpoint, false)) < 5000);
      assert.ok((await lived(unreached.endpoint, true)) < 5000);
      assert.ok((await lived(unreached.endpoint, false)) < 5000);
    } finally {
      await Promise.all([silent.stop(), unreached.stop()]);
    }
  });
});
