import { spawn } from 'node:child_process';

// The other side never answers: what matters is that git and ssh are there for more than a second.
export const handler = async () => {
  const env = { ...process.env, GIT_SSH_COMMAND: 'ssh -o StrictHostKeyChecking=no -o ConnectTimeout=2', HOME: '/tmp' };
  spawn('git', ['ls-remote', 'ssh://git@198.51.100.20:443/orders.git'], { env, stdio: 'ignore' });
  await new Promise((done) => setTimeout(done, 1200));
  return 'ok';
};
