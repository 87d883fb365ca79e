/**
 * The second half of the demo: the code-level evidence beside the capture. A stand-in control plane (moto, with
 * recorded answers of CloudTrail, which moto does not have) knows the function of the demo with five versions, of which
 * the last has a back door, and `amber collect` preserves all of it, asked for the access key that the capture found.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { awsProxy } from '../test/servers/aws-proxy.ts';
import { moto, MOTO_ENV, stopMoto } from '../test/servers/moto.ts';
import { replayTrail, trailOf } from '../test/servers/replay-trail.ts';

/** The function of the demo: moto's script makes one of this name. */
export const FUNCTION = 'checkout';

/** The access key id of the sandbox, as the capture has it. */
const ACCESS_KEY = 'ASIAIOSFODNN7EXAMPLE';

export interface CaseFolders {
  /** The captures of the sandbox; the collection is put beside them. */
  readonly evidence: string;
  /** For what the control plane serves. */
  readonly home: string;
}

/** Runs a command of `amber` and gives its exit code. */
export type RunAmber = (...args: readonly string[]) => Promise<number>;

/**
 * Collects into `evidence`.
 *
 * @returns the exit code of `amber collect`, or a sentence: why it was not run
 */
export async function collectCase({ evidence, home }: CaseFolders, amber: RunAmber): Promise<number | string> {
  let absent = '';
  const server = await moto({ skip: (message) => void (absent = message) });
  if (server === undefined) return absent;
  const packages = join(home, 'packages');
  mkdirSync(packages, { recursive: true });
  try {
    await server.fill(packages);
    const proxy = await awsProxy(server.endpoint, packages);
    proxy.rules.push(replayTrail(trailOf({ count: 60, newestMs: Date.now() - 60_000, accessKeyId: ACCESS_KEY })));
    Object.assign(process.env, MOTO_ENV);
    const code = await amber(
      'collect',
      FUNCTION,
      '--out',
      evidence,
      '--captures',
      evidence,
      '--endpoint',
      proxy.endpoint,
      '--since',
      '1d',
    );
    await proxy.close();
    return code;
  } finally {
    await stopMoto();
  }
}
