// Changes a tree for as long as it lives, as fast as it can: node mutator.mjs ROOT. Prints a line when it has begun.
// Each folder of ROOT has its own way; moving.test.ts makes them and says what must come of it.
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

const root = process.argv[2];
const attempt = (change) => {
  try {
    change();
  } catch {
    // what another change has taken away meanwhile
  }
};
const swap = (one, other) =>
  attempt(() => {
    renameSync(one, `${root}/.swap`);
    renameSync(other, one);
    renameSync(`${root}/.swap`, other);
  });
const filesOf = (folder) =>
  readdirSync(`${root}/${folder}`)
    .filter((name) => name !== 'large')
    .map((name) => `${root}/${folder}/${name}`);
const LARGE = 48 * 2 ** 20;
const block = Buffer.alloc(4096, 'x');

const growing = filesOf('grow');
const shrinking = filesOf('shrink');
const vanishing = filesOf('vanish');
const growingLarge = openSync(`${root}/grow/large`, 'a');
const shrinkingLarge = openSync(`${root}/shrink/large`, 'r+');
let flooded = 0;
let depth = '';

function grow(round) {
  writeSync(growingLarge, block);
  attempt(() => appendFileSync(growing[round % growing.length], block));
}

function shrink(round) {
  const path = shrinking[round % shrinking.length];
  attempt(() => truncateSync(path, 3));
  attempt(() => truncateSync(path, 20_000));
  if (round % 8 === 0) ftruncateSync(shrinkingLarge, round % 16 === 0 ? 2 ** 20 : LARGE);
}

function vanish(round) {
  const path = vanishing[round % vanishing.length];
  attempt(() => unlinkSync(path));
  if (round % 3 !== 0) attempt(() => writeFileSync(path, block));
  if (round % 8 !== 0) return;
  attempt(() => unlinkSync(`${root}/vanish/large`));
  attempt(() => {
    const fd = openSync(`${root}/vanish/large`, 'w');
    ftruncateSync(fd, LARGE);
    closeSync(fd);
  });
}

/** Between a stat and an open, and between an open of a directory and that of what is in it. */
function swapAll(round) {
  swap(`${root}/swap/file-${round % 20}`, `${root}/swap/link-${round % 20}`);
  swap(`${root}/swap/other-${round % 20}`, `${root}/swap/fifo-${round % 20}`);
  swap(`${root}/folders/dir-${round % 10}`, `${root}/folders/link-${round % 10}`);
}

function flood() {
  if (flooded < 5000) attempt(() => writeFileSync(`${root}/flood/${flooded++}`, ''));
  if (depth.length < 2000) attempt(() => mkdirSync(`${root}/deeper${(depth += '/d')}`));
  else for (; depth !== ''; depth = depth.slice(0, -2)) attempt(() => rmdirSync(`${root}/deeper${depth}`));
}

process.stdout.write('begun\n');
for (let round = 0; ; round += 1) {
  grow(round);
  shrink(round);
  vanish(round);
  swapAll(round);
  flood();
}
