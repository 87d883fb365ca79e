// The shape of LibreOffice: a script of the unpacked program starts a launcher, which starts the program.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';

const PROGRAM = '/tmp/instdir/program';
const OPTIONS = ['--headless', '--norestore', '--convert-to', 'pdf', '--outdir', '/tmp', '/tmp/letter.docx'];

function unpack() {
  mkdirSync(PROGRAM, { recursive: true });
  writeFileSync(`${PROGRAM}/soffice`, `#!/bin/sh\n"${PROGRAM}/oosplash" "${PROGRAM}/splash.pl" "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(`${PROGRAM}/splash.pl`, `system "${PROGRAM}/soffice.bin", "${PROGRAM}/office.pl", @ARGV`);
  writeFileSync(`${PROGRAM}/office.pl`, 'select undef, undef, undef, 0.8');
  for (const name of ['oosplash', 'soffice.bin']) copyFileSync('/usr/bin/perl', `${PROGRAM}/${name}`);
}

export const handler = async () => {
  if (!existsSync(PROGRAM)) unpack();
  const env = { ...process.env, HOME: '/tmp', LD_LIBRARY_PATH: PROGRAM };
  const run = spawn(`${PROGRAM}/soffice`, OPTIONS, { env, stdio: 'ignore' });
  await new Promise((done) => setTimeout(done, 300));
  return run.pid > 0;
};
