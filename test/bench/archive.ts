/** Tar streams with digests: many small files (W2), one large one (W1), the /tmp of an attacked function (W4). */
import { hasPeer } from '../peers.ts';
import { byTurns, median, runNode, timeCommand, type Measure, type Row, type Setting } from './measure.ts';
import type { PackCost } from './pack.ts';
import { attackedTmp, manySmallFiles, oneLargeFile } from './workloads.ts';

const tar = (directory: string): string => `tar -C ${directory} -cf - .`;
const node = (program: string, directory: string, more = ''): string =>
  `${process.execPath} ${program} ${directory} ${more} > /dev/null`;

export const small: Measure = {
  name: 'w2',
  title: 'W2: 10,000 files of 4 KiB in 100 directories, whole process, against GNU tar | cat',
  run: async (setting) => {
    const { quick, folder } = setting;
    const w2 = manySmallFiles(folder, 10_000);
    const [pack, naive, floor] = (await Promise.all(['pack', 'naive', 'floor'].map(setting.program))) as [
      string,
      string,
      string,
    ];
    const found = byTurns(quick ? 3 : 9, {
      tar: () => timeCommand(`${tar(w2)} | cat > /dev/null`).wallMs,
      none: () => timeCommand(node(pack, w2, 'none')).wallMs,
      zstd: () => timeCommand(node(pack, w2, 'zstd')).wallMs,
      floor: () => timeCommand(node(floor, w2)).wallMs,
    });
    const slow = byTurns(quick ? 1 : 3, { naive: () => timeCommand(node(naive, w2)).wallMs });
    const against = { name: 'tar | cat', value: found.tar };
    return [
      {
        what: 'tar + SHA-256 of files, segments and whole',
        ours: found.none,
        unit: 'ms',
        against,
        target: { of: 'ratio', most: 1.8 },
      },
      {
        what: 'the same, against its bare system calls and hashes in Node',
        ours: found.none,
        unit: 'ms',
        against: { name: 'system calls', value: found.floor },
      },
      { what: 'bare system calls and hashes in Node', ours: found.floor, unit: 'ms', against },
      { what: 'as configured by default (zstd)', ours: found.zstd, unit: 'ms', against },
      { what: 'tar-stream, a stream a file, no digest', ours: slow.naive, unit: 'ms', against },
    ];
  },
};

export const large: Measure = {
  name: 'w1',
  title: 'W1: one incompressible file of 1 GiB, whole process, against GNU tar and compressors',
  run: async (setting) => {
    const w1 = oneLargeFile(setting.folder, setting.quick ? 128 : 1024);
    const pack = await setting.program('pack');
    const digest = hasPeer('openssl') ? 'openssl dgst -sha256' : 'sha256sum';
    const found = byTurns(setting.quick ? 1 : 5, {
      cat: () => timeCommand(`${tar(w1)} | cat > /dev/null`).wallMs,
      none: () => timeCommand(node(pack, w1, 'none')).wallMs,
      zstd: () => timeCommand(node(pack, w1, 'zstd')).wallMs,
      digest: () => timeCommand(`${digest} ${w1}/large > /dev/null`).wallMs,
    });
    return [
      {
        what: 'tar + SHA-256 of file, segments and whole',
        ours: found.none,
        unit: 'ms',
        against: { name: 'tar | cat', value: found.cat },
        target: { of: 'ratio', most: 1.2 },
        note: `${digest} of the file alone takes ${found.digest.toFixed(0)} ms; each byte is digested three times here`,
      },
      ...zstdRows(w1, found.zstd, found.digest, digest),
      gzipRow(w1, found.zstd),
    ];
  },
};

function zstdRows(w1: string, zstd: number, digestMs: number, digest: string): readonly Row[] {
  const what = 'default path: zstd + SHA-256';
  if (!hasPeer('zstd')) return [{ what, notRun: 'needs zstd' }];
  const piped = byTurns(3, { zstd: () => timeCommand(`${tar(w1)} | zstd -1 -q > /dev/null`).wallMs }).zstd;
  return [
    {
      what,
      ours: zstd,
      unit: 'ms',
      against: { name: `tar | zstd -1, and ${digest}`, value: piped + digestMs },
      target: { of: 'ratio', most: 1.1 },
    },
  ];
}

function gzipRow(w1: string, zstd: number): Row {
  const gzip = timeCommand(`${tar(w1)} | gzip -1 > /dev/null`).wallMs;
  return {
    what: 'default path: zstd + SHA-256',
    ours: zstd,
    unit: 'ms',
    against: { name: 'tar | gzip -1', value: gzip },
    target: { of: 'ratio', most: 0.1 },
  };
}

export const attacked: Measure = {
  name: 'w4',
  title: 'W4: 28 MB in 42 files like /tmp of an attacked function, in process, first run of a fresh process',
  run: async (setting: Setting) => {
    const w4 = attackedTmp(setting.folder);
    const pack = await setting.program('pack');
    const runs = Array.from({ length: setting.quick ? 3 : 9 });
    const first = (compression: string): number =>
      median(runs.map(() => (runNode([pack, w4, compression]) as PackCost).ms[0] ?? Number.NaN));
    return [
      { what: 'tar + SHA-256', ours: first('none'), unit: 'ms', target: { of: 'ours', most: 40 } },
      { what: 'tar + SHA-256 + zstd', ours: first('zstd'), unit: 'ms', target: { of: 'ours', most: 130 } },
    ];
  },
};
