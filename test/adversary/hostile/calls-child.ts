/**
 * Touches a served mount in every way that a trace has to show: `node calls-child.ts JOB.json`, with `folder` in the
 * job.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
} from 'node:fs';

const { folder } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as { folder: string };
const served = `${folder}/tree/served`;
statSync(served);
lstatSync(`${served}/implant`);
try {
  statfsSync(served);
} catch {
  // This server has no answer to it.
}
readdirSync(served);
statSync(`${folder}/link`);
readFileSync(`${folder}/link/implant`);
const tree = openSync(`${folder}/tree`, constants.O_RDONLY | constants.O_DIRECTORY);
lstatSync(`/proc/self/fd/${tree}/served`);
lstatSync(`/proc/self/fd/${tree}/plain`);
closeSync(tree);
const held = openSync(`${served}/implant`, constants.O_RDONLY);
fstatSync(held);
closeSync(held);
process.stdout.write('\n{}\n');
