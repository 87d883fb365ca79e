import { exec, execSync, spawn } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(exec);
const PARTNER = 'http://198.51.100.20:443';

export const handler = async () => {
  execSync(`curl -s -o /tmp/answer.json ${PARTNER}/ && wc -c /tmp/answer.json`);
  await run(`curl -s ${PARTNER}/ | python3 -m json.tool`);
  // Longer than a look takes to come.
  const slow = spawn('curl', ['-s', '-o', '/tmp/slow.json', `${PARTNER}/slow`], { stdio: 'ignore' });
  await new Promise((done) => setTimeout(done, 100));
  return slow.pid > 0;
};
