/** The end of a life: RIE internal/lambda/rapid/shutdown.go, step by step. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxProcess } from './ground.ts';
import type { Life, ShutdownReason, ShutdownRecord } from './platform-contracts.ts';

/**
 * RIE reset and shutdown deadlines, and AWS, "Lambda execution environment lifecycle": 2,000 ms with external
 * extensions.
 */
const PHASE_MS = 2000;
/** runtimeDeadlineShare of shutdown.go: of the phase, what the runtime has between SIGTERM and SIGKILL. */
const RUNTIME_SHARE = 0.3;

export async function shutDown(life: Life, reason: ShutdownReason): Promise<ShutdownRecord> {
  const startedMs = performance.now();
  const deadlineMs = Date.now() + PHASE_MS;
  const since = (): number => performance.now() - startedMs;
  const agents = life.desk.registered();
  if (agents.size === 0) {
    // "We do not spend any compute time on runtime graceful shutdown if there are no agents".
    await killed(life.runtime);
    return { reason, runtimeMs: since(), extensions: [] };
  }
  if (life.runtime?.hasExited() === false) {
    life.runtime.signal('SIGTERM');
    await Promise.race([life.runtime.exited, sleep(PHASE_MS * RUNTIME_SHARE)]);
  }
  await killed(life.runtime);
  const runtimeMs = since();
  const extensions = await Promise.all(
    [...life.extensions].map(async ([name, process]) => {
      const eventMs = since();
      // Not subscribed to SHUTDOWN: SIGKILL to its process group, at once.
      const subscribed = agents.get(name)?.includes('SHUTDOWN') === true;
      if (subscribed) {
        life.desk.shutdown(name, reason, deadlineMs);
        const over = new AbortController();
        await Promise.race([
          process.exited,
          sleep(PHASE_MS - since(), undefined, { signal: over.signal }).catch(() => undefined),
        ]);
        over.abort();
      }
      const left = !process.hasExited();
      await killed(process);
      return { name, eventMs, exitMs: since(), killed: left };
    }),
  );
  return { reason, runtimeMs, extensions };
}

/** SIGKILL to the process group: its children die with it (local_supervisor.go, Kill). */
async function killed(process: SandboxProcess | undefined): Promise<void> {
  process?.signal('SIGKILL');
  await process?.exited;
}
