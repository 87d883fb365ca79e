import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';

const TOOL = '/tmp/bin/yt-dlp';
const MAIN = `#!/usr/bin/env python3
import sys, urllib.request
urllib.request.urlopen("http://198.51.100.20:443/slow").read()
open(sys.argv[2], "w").write("video")
`;

export const handler = async (event) => {
  mkdirSync('/tmp/bin', { recursive: true });
  if (!existsSync(TOOL)) writeFileSync(TOOL, MAIN, { mode: 0o755 });
  const options = ['-o', '/tmp/video.mp4', 'https://example.com/watch?v=1'];
  if (event.wait !== false) return spawnSync(TOOL, options).status;
  spawn(TOOL, options, { stdio: 'ignore' });
  await new Promise((done) => setTimeout(done, 200));
  return 'started';
};
