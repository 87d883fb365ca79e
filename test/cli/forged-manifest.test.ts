/** A manifest.json that somebody else wrote, where the log has the digests of the segments and none of it. */
import { equal, match } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { CaptureManifest } from '../../src/seal/commit.ts';
import {
  CAPTURE_ID,
  commitFacts,
  freshFolder,
  makeCapture,
  standardEntries,
  type MadeCapture,
} from '../case/captures.ts';
import { copyOf } from '../case/checking.ts';
import { program, type Ran } from './program.ts';

type Forgery = (manifest: CaptureManifest) => unknown;

const FORGERIES: Readonly<Record<string, Forgery>> = {
  'identity.functionName': (manifest) => ({ ...manifest, identity: { ...manifest.identity, functionName: 'payroll' } }),
  'identity.accessKeyId': (manifest) => ({ ...manifest, identity: { ...manifest.identity, accessKeyId: 'AKIAOTHER' } }),
  'identity.logStream': (manifest) => ({
    ...manifest,
    identity: Object.fromEntries(Object.entries(manifest.identity).filter(([name]) => name !== 'logStream')),
  }),
  'cause.reason': (manifest) => ({ ...manifest, cause: { ...manifest.cause, reason: 'a test' } }),
  'cause.trigger': (manifest) => ({ ...manifest, cause: { ...manifest.cause, trigger: 'event' } }),
  started: (manifest) => ({ ...manifest, clocks: { ...manifest.clocks, started: '2024-01-01T00:00:00.000Z' } }),
};

describe('manifest.json against capture.json', () => {
  let capture: MadeCapture;
  before(async () => {
    const { cause, identity, tool, clocks } = commitFacts(CAPTURE_ID, 'zstd', undefined);
    const value = { captureId: CAPTURE_ID, started: clocks.started, cause, identity, tool, inProcess: true };
    capture = await makeCapture({
      apart: true,
      entries: [
        { kind: 'json', path: 'capture.json', source: 'amber', method: 'api', value },
        ...standardEntries().slice(1),
      ],
    });
  });

  /** The log without its last line, which has the digest of manifest.json. */
  async function verify(folder: string, log: string): Promise<Ran> {
    const file = join(freshFolder(), 'function.log');
    writeFileSync(file, log);
    return program(['verify', folder, '--log', file]);
  }
  const withoutLine = (): string =>
    capture.log
      .split('\n')
      .filter((line) => !line.includes('"amber":"capture"'))
      .join('\n');

  test('an honest one is verified; that the log has no digest of it is said and counted', async () => {
    const whole = await verify(capture.folder, capture.log);
    equal(whole.code, 0, whole.out);
    const cut = await verify(capture.folder, withoutLine());
    equal(cut.code, 0, cut.out);
    match(cut.out, /not checked {2}manifest\.json is the one that the log names: the log has no digest/u);
    const count = ({ out }: Ran): number => Number(/(\d+) checks could not be made/u.exec(out)?.[1] ?? 0);
    equal(count(cut), count(whole) + 1);
  });

  for (const [field, forge] of Object.entries(FORGERIES)) {
    test(`${field} is changed: FAILED, with both values`, async () => {
      const folder = copyOf(capture);
      const path = join(folder, 'manifest.json');
      writeFileSync(path, JSON.stringify(forge(JSON.parse(readFileSync(path, 'utf8')) as CaptureManifest)));
      const { code, out } = await verify(folder, withoutLine());
      equal(code, 1, out);
      match(out, new RegExp(`- ${field.replace('.', '\\.')} is .* in manifest\\.json, .* in capture\\.json`, 'u'));
      match(out, /^FAILED: /mu);
    });
  }
});
