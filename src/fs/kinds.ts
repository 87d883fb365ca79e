/** Kinds of files, their modes as text, and what a walk says of an entry. */

/**
 * What the walk could not do with an entry. `whole`: nothing; its stat is known, and if it is a directory, all of it is
 * listed.
 */
export const State = {
  whole: 0,
  /** Named by its directory and gone before its lstat. */
  gone: 1,
  /** Its lstat was refused: a directory that may be read and not searched. */
  denied: 2,
  /** Its lstat failed otherwise. */
  failed: 3,
  // of directories, whose own stat is known:
  unlistable: 4,
  /** Deeper than the walk goes. */
  deep: 5,
  /** The root of procfs, sysfs and the like: a view of the kernel, not files. */
  kernel: 6,
  /** Some of what is in it is beyond the limit of entries. */
  cut: 7,
  /** Its path is so long that listing it would cost too much. */
  long: 8,
  /** The time of the walk was over. */
  late: 9,
  /** Something is mounted here that somebody serves: not even its lstat was asked for. Of any kind of entry. */
  served: 10,
} as const;

export type StateCode = (typeof State)[keyof typeof State];

/** File types as in st_mode (inode(7)). */
export const Kind = {
  socket: 0o140000,
  link: 0o120000,
  file: 0o100000,
  block: 0o060000,
  directory: 0o040000,
  character: 0o020000,
  fifo: 0o010000,
} as const;

/** The bits of st_mode that are the type. */
export const KIND_BITS = 0o170000;

const NAMES: Readonly<Record<number, string>> = {
  [Kind.socket]: 'socket',
  [Kind.link]: 'symbolic link',
  [Kind.file]: 'regular file',
  [Kind.block]: 'block device',
  [Kind.directory]: 'directory',
  [Kind.character]: 'character device',
  [Kind.fifo]: 'FIFO',
};

/** A kind in words. */
export function kindName(kind: number): string {
  return NAMES[kind] ?? 'thing of unknown kind';
}

/** Letters of The Sleuth Kit (tsk_fs_meta_type_str): a socket is `h`, because `s` was taken. */
const LETTERS: Readonly<Record<number, string>> = {
  [Kind.socket]: 'h',
  [Kind.link]: 'l',
  [Kind.file]: 'r',
  [Kind.block]: 'b',
  [Kind.directory]: 'd',
  [Kind.character]: 'c',
  [Kind.fifo]: 'p',
};

/** A mode as a bodyfile has it: `r/rrwxr-xr-x`, `d/drwxrwxrwt`; `-/----------` for an unknown one. */
export function modeText(mode: number): string {
  const letter = LETTERS[mode & KIND_BITS] ?? '-';
  const triple = (shift: number, special: number, mark: string): string => {
    const bits = mode >>> shift;
    const execute = (bits & 1) === 1;
    const last = special !== 0 ? (execute ? mark : mark.toUpperCase()) : execute ? 'x' : '-';
    return ((bits & 4) === 0 ? '-' : 'r') + ((bits & 2) === 0 ? '-' : 'w') + last;
  };
  const [user, group, others] = [
    triple(6, mode & 0o4000, 's'),
    triple(3, mode & 0o2000, 's'),
    triple(0, mode & 0o1000, 't'),
  ];
  return `${letter}/${letter}${user}${group}${others}`;
}
