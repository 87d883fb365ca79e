/** A file that its holder does not let go: fcntl(2), F_SETLEASE. */
import { spawn } from 'node:child_process';

/** Runs `body` while another process (Python) holds a write lease on `path` and ignores the request to give it up. */
export async function withLease(path: string, body: () => Promise<void>): Promise<void> {
  const script = `import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
f = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
time.sleep(60)`;
  const holder = spawn('python3', ['-c', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    await body();
  } finally {
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('close', resolve));
  }
}
