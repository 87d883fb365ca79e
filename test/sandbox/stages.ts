/** The platforms on which the same cases run: that of platform.ts, and AWS's emulator where its binary is given. */
import { startEmulator, type Stage } from './emulator.ts';
import type { PlatformOptions } from './platform-contracts.ts';
import { startPlatform } from './platform.ts';

export interface StageKind {
  readonly name: string;
  readonly start: (options: PlatformOptions) => Promise<Stage>;
  /** RIE_BINARY is needed, and there is no Telemetry API. */
  readonly emulated: boolean;
}

export async function startOurs(options: PlatformOptions): Promise<Stage> {
  const platform = await startPlatform(options);
  const end = async (): Promise<void> => {
    await platform.shutdown();
  };
  return { ...platform, ground: platform.ground, end };
}

export const STAGES: readonly StageKind[] = [
  { name: 'the platform of the tests', emulated: false, start: startOurs },
  { name: "AWS's emulator", emulated: true, start: startEmulator },
];
