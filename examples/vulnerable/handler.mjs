// A function with a hole: `host` goes into a shell (CWE-78). The demo attacks it. Do not deploy it.
import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import { withCapture } from 'lambda-amber';

const run = promisify(exec);

export const handler = withCapture(async (event) => {
  const host = event?.queryStringParameters?.host ?? 'localhost';
  const { stdout } = await run(`echo "looking up" ${host}`);
  return { statusCode: 200, body: stdout };
});
