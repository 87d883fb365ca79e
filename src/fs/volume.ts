/** Facts of a file system, from statfs(2). */
import type { BigIntStatsFs } from 'node:fs';

/** Magic numbers of statfs(2) and linux/magic.h. */
const NAMES: Readonly<Record<number, string>> = {
  0x01021994: 'tmpfs',
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x794c7630: 'overlay',
  0x73717368: 'squashfs',
  0xe0f5e1e2: 'erofs',
  0x6969: 'nfs',
  0x65735546: 'fuse',
  0x01021997: '9p',
  0x858458f6: 'ramfs',
};

/** File systems that show the kernel instead of files: endless, blocking or with side effects when read. */
const KERNEL_VIEWS: Readonly<Record<number, string>> = {
  0x9fa0: 'proc',
  0x62656572: 'sysfs',
  0x27e0eb: 'cgroup',
  0x63677270: 'cgroup2',
  0x64626720: 'debugfs',
  0x74726163: 'tracefs',
  0x73636673: 'securityfs',
  0xcafe4a11: 'bpf',
  0x1cd1: 'devpts',
  0x187: 'autofs',
  0x42494e4d: 'binfmt_misc',
  0x6e736673: 'nsfs',
};

export interface FileSystemFacts {
  /** Its name where it is a known one, and the magic number. */
  readonly type: string;
  readonly bytes: number;
  readonly freeBytes: number;
  /** Free for us: without what is kept back for root. */
  readonly availableBytes: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

export function factsOf(facts: BigIntStatsFs): FileSystemFacts {
  const magic = magicOf(facts);
  const name = NAMES[magic] ?? KERNEL_VIEWS[magic];
  const size = Number(facts.bsize);
  return {
    type: `${name === undefined ? '' : `${name} `}0x${magic.toString(16)}`,
    bytes: Number(facts.blocks) * size,
    freeBytes: Number(facts.bfree) * size,
    availableBytes: Number(facts.bavail) * size,
    inodes: Number(facts.files),
    freeInodes: Number(facts.ffree),
  };
}

/** True of procfs, sysfs and their like, which a walk must not enter. */
export function isKernelView(facts: BigIntStatsFs): boolean {
  return magicOf(facts) in KERNEL_VIEWS;
}

/** True where the size of a directory tells how many entries it has at the most. */
export function hasHonestSizes(facts: BigIntStatsFs): boolean {
  const magic = magicOf(facts);
  return magic === 0x01021994 || magic === 0xef53;
}

/** f_type is a signed word: on 64 bits it may come with the sign extended. */
function magicOf(facts: BigIntStatsFs): number {
  return Number(BigInt.asUintN(32, facts.type));
}
