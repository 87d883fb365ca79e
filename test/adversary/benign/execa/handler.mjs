import { execa } from 'execa';

export const handler = async () => {
  await execa('ls', ['-l', '/var/task']);
  const { stdout } = await execa('sha256sum', ['/var/task/handler.mjs']);
  await execa('cp', ['/var/task/handler.mjs', '/tmp/copy.mjs']);
  await execa('ls /tmp | wc -l', { shell: true });
  return stdout.slice(0, 8);
};
