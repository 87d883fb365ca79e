/** A wrapped handler beside the extension, and what was handed over. */
import type { TestContext } from 'node:test';
import { canIsolate } from '../../sandbox/ground.ts';
import type { InvokeResult, Platform } from '../../sandbox/platform.ts';
import { storedCaptures, type Stored } from '../extension/captures.ts';
import { openScene, type SceneOptions } from '../extension/sandbox.ts';

export const skip: string | false =
  canIsolate() || process.env['REQUIRE_PEERS'] === '1'
    ? false
    : 'not run: needs root, for namespaces, and a checkout outside of /tmp';

export type Line = Readonly<Record<string, unknown>>;

/** As a function with a tenth of a core: it waits 200 ms to be heard, which a busy machine may need as well. */
export const wrapped = (
  t: TestContext,
  env: Readonly<Record<string, string>>,
  more: SceneOptions = {},
): Promise<Platform> => openScene(t, { handler: 'wrapped.handler', memoryMb: 177, env, ...more });
export const captures = (platform: Platform): Promise<Stored[]> => storedCaptures(platform.ground.evidence);

export const bodyOf = (result: InvokeResult): string => ('body' in result ? result.body.toString() : '');

export async function invoke(platform: Platform, event: unknown, timeoutMs = 20_000): Promise<InvokeResult> {
  const result = await platform.invoke(event, timeoutMs);
  await platform.idle();
  return result;
}
