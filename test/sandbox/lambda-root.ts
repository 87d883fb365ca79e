/**
 * What stands around a function in the sandbox of lambda-like.ts: its file system and its uid, made by a shell script.
 */
import { join } from 'node:path';

export interface Place {
  /** Empty folder for the root. */
  readonly root: string;
  /** Seen as /var/task, read-only. */
  readonly task?: string;
  /** Seen as /mnt/evidence. */
  readonly evidence: string;
  /** Program that is seen as /var/lang/bin/node. */
  readonly node: string;
  /** Folders of this machine that are seen, read-only, where they are. */
  readonly visible?: readonly string[];
  readonly tmp?: { readonly kind: 'tmpfs' | 'ext4'; readonly mb: number } | undefined;
  readonly prepareTmp?: string | undefined;
  readonly network?: boolean | undefined;
  /** Files of control groups to join. */
  readonly procs: readonly string[];
  /** Runs instead of node, as /var/lang/bin/NAME. Only as root, like all below. */
  readonly program?: { readonly name: string; readonly path: string } | undefined;
  /** Program in the sandbox that is run with the runtime's command line as its arguments (AWS_LAMBDA_EXEC_WRAPPER). */
  readonly wrapper?: string | undefined;
  /** Folders and files of this machine that are seen, read-only, elsewhere. */
  readonly binds?: readonly { readonly from: string; readonly to: string }[] | undefined;
  /** Lines of bash that run as root when the root stands, in it: for the network. */
  readonly setup?: readonly string[] | undefined;
  /** Further processes of the function's uid, started first: extensions. Variables over those of the function. */
  readonly beside?:
    | readonly { readonly command: readonly string[]; readonly env?: Readonly<Record<string, string>> }[]
    | undefined;
}

/** Variables of the runtime alone (RIE internal/lambda/rapidcore/env, AgentExecEnv). */
const NOT_FOR_EXTENSIONS =
  '_HANDLER AWS_EXECUTION_ENV LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME';
const UID = 993;
const GID = 990;
const PASSWD = `root:x:0:0:root:/root:/bin/bash\\nsbx_user1051:x:${UID}:${GID}::/home/sbx_user1051:/sbin/nologin\\n`;

/** A command that runs `node args…` in the sandbox. Its environment is the function's. Needs root. */
export function rootCommand(place: Place, args: readonly string[]): readonly string[] {
  const flags = [
    '--mount',
    '--pid',
    '--fork',
    '--kill-child=SIGKILL',
    '--uts',
    '--ipc',
    ...(place.network === true ? [] : ['--net']),
  ];
  return ['/usr/bin/unshare', ...flags, '/bin/bash', '-c', rootScript(place, args)];
}

function rootScript(place: Place, args: readonly string[]): string {
  const drop = `--reuid=${UID} --regid=${GID} --clear-groups --bounding-set=-all --no-new-privs`;
  const { program } = place;
  const start = (command: readonly string[]): string => {
    const words = ['/.setup/setpriv', ...drop.split(' '), ...command].map(quote).join(' ');
    return `${place.procs.map((file) => `echo 0 > ${quote(file)}; `).join('')}export PATH=$wanted; unset wanted SHLVL OLDPWD PWD _; exec /usr/bin/unshare --root=. --wd=/var/task ${words}`;
  };
  return [
    'set -eu',
    'wanted=$PATH',
    'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'mount --make-rprivate /',
    `cd ${quote(place.root)}`,
    'mount -t tmpfs -o size=8m,mode=755 sandbox .',
    'cd "$PWD"',
    'mkdir -p proc dev/shm tmp var/task var/runtime var/lang/bin opt etc usr/lib mnt/evidence .setup',
    'for dir in lib lib64 usr/lib64; do if [ -L /$dir ]; then cp -P /$dir $dir; elif [ -d /$dir ]; then mkdir -p $dir; mount --bind /$dir $dir; fi; done',
    'mount --bind /usr/lib usr/lib',
    'mount -o remount,bind,ro usr/lib',
    `printf '${PASSWD}' > etc/passwd`,
    'cp /etc/os-release /etc/hosts etc/',
    'cp /usr/bin/setpriv .setup/',
    'for node in null zero full random urandom; do touch dev/$node; mount --bind /dev/$node dev/$node; done',
    'mount -t tmpfs -o size=64m,mode=1777 shm dev/shm',
    'mount -t proc proc proc',
    `touch var/lang/bin/node; mount --bind ${quote(place.node)} var/lang/bin/node`,
    ...(place.task === undefined
      ? []
      : [`mount --bind ${quote(place.task)} var/task`, 'mount -o remount,bind,ro var/task']),
    `mount --bind ${quote(place.evidence)} mnt/evidence`,
    ...mountTmp(place),
    ...(program === undefined
      ? []
      : [`touch var/lang/bin/${program.name}; mount --bind ${quote(program.path)} var/lang/bin/${program.name}`]),
    ...(place.binds ?? []).map(
      ({ from, to }) =>
        `if [ -d ${quote(from)} ]; then mkdir -p .${quote(to)}; else mkdir -p "$(dirname .${quote(to)})"; touch .${quote(to)}; fi; mount --bind ${quote(from)} .${quote(to)}; mount -o remount,bind,ro .${quote(to)}`,
    ),
    ...(place.visible ?? []).map(
      (folder) =>
        `mkdir -p .${quote(folder)}; mount --bind ${quote(folder)} .${quote(folder)}; mount -o remount,bind,ro .${quote(folder)}`,
    ),
    ...(place.prepareTmp === undefined
      ? []
      : [`(cd tmp && setpriv ${drop} /bin/bash -euc ${quote(place.prepareTmp)})`]),
    'hostname 169-254-10-1 || true',
    'ulimit -n 1024',
    ...(place.setup ?? []),
    ...(place.beside ?? []).map(
      ({ command, env }) =>
        `(unset ${NOT_FOR_EXTENSIONS}; ${Object.entries(env ?? {})
          .map(([name, value]) => `export ${name}=${quote(value)}; `)
          .join('')}${start(command)}) &`,
    ),
    // The runtime takes nothing before its extensions have started; those here do not tell when they have.
    ...((place.beside ?? []).length === 0 ? [] : ['sleep 0.5']),
    // Process 1 stays outside of the limits and is another user's, as in Lambda.
    `(${start([...(place.wrapper === undefined ? [] : [place.wrapper]), `/var/lang/bin/${program?.name ?? 'node'}`, ...args])}) & wait $!`,
  ].join('\n');
}

function mountTmp({ root, tmp }: Place): readonly string[] {
  const own = `chown ${UID}:${GID} tmp; chmod 700 tmp`;
  const mb = tmp?.mb ?? 512;
  if (tmp?.kind !== 'ext4') return [`mount -t tmpfs -o size=${mb}m,nr_inodes=0 tmp tmp; ${own}`];
  const image = quote(join(root, '../tmp.ext4'));
  return [
    `truncate -s ${mb}M ${image}; mkfs.ext4 -q -N 200000 -m 0 ${image}; mount -o loop ${image} tmp; rm -rf tmp/lost+found; ${own}`,
  ];
}

/** The same without root, by bubblewrap: nothing is limited, and `prepareTmp` runs in the sandbox. */
export function bubblewrapCommand(place: Place, args: readonly string[]): readonly string[] {
  const prepare = place.prepareTmp ?? ':';
  const run = ['/var/lang/bin/node', ...args].map(quote).join(' ');
  return [
    '/usr/bin/bwrap',
    '--unshare-all',
    ...(place.network === true ? ['--share-net'] : []),
    '--die-with-parent',
    '--cap-drop',
    'ALL',
    '--uid',
    String(UID),
    '--gid',
    String(GID),
    '--ro-bind',
    '/usr',
    '/usr',
    ...['/lib', '/lib64', '/bin'].flatMap((path) => ['--ro-bind', path, path]),
    '--dir',
    '/etc',
    '--ro-bind',
    '/etc/os-release',
    '/etc/os-release',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--size',
    String((place.tmp?.mb ?? 512) * 2 ** 20),
    '--perms',
    '0700',
    '--tmpfs',
    '/tmp',
    '--ro-bind',
    place.node,
    '/var/lang/bin/node',
    '--bind',
    place.evidence,
    '/mnt/evidence',
    ...(place.task === undefined ? [] : ['--ro-bind', place.task, '/var/task']),
    ...(place.visible ?? []).flatMap((folder) => ['--ro-bind', folder, folder]),
    '--chdir',
    '/tmp',
    '/bin/bash',
    '-euc',
    `wanted=$PATH; export PATH=/usr/bin:/bin; ${prepare}\ncd /var/task; export PATH=$wanted; unset wanted OLDPWD; exec ${run}`,
  ];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
