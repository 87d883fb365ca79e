/** Options of well-known programs that take a secret although their names do not say so. From their man pages. */

/** What the value of an option holds: a secret, `user:password`, `user%password`, or a whole header line. */
export type Holds = 'secret' | 'user:password' | 'user%password' | 'header' | 'cookie';

export interface Program {
  /** Options whose value is the next argument, or follows `=`. */
  readonly options: Readonly<Record<string, Holds>>;
  /** Short options whose value is joined to them (`-pX`). */
  readonly joined?: Readonly<Record<string, Holds>>;
  /** What its subcommand `login` takes; `docker run -p` is a port. */
  readonly login?: Program;
  /** The first argument that is no option is another command: its options are not this program's. */
  readonly starts?: true;
}

const CURL: Program = {
  options: {
    '-u': 'user:password',
    '--user': 'user:password',
    '-U': 'user:password',
    '--proxy-user': 'user:password',
    '-H': 'header',
    '--header': 'header',
    '--proxy-header': 'header',
    '-b': 'cookie',
    '--cookie': 'cookie',
    '--oauth2-bearer': 'secret',
    '--pass': 'secret',
    '--proxy-pass': 'secret',
    '-E': 'user:password',
    '--cert': 'user:password',
  },
  joined: { '-u': 'user:password', '-U': 'user:password', '-H': 'header', '-b': 'cookie' },
};
const MYSQL: Program = { options: {}, joined: { '-p': 'secret' } };
const DASH_P: Program = { options: { '-p': 'secret' } };
const REGISTRY: Program = { options: {}, login: DASH_P };
const LDAP: Program = { options: { '-w': 'secret' }, joined: { '-w': 'secret' } };
const SAMBA: Program = { options: { '-U': 'user%password', '--user': 'user%password' } };
const ZIP: Program = { options: { '-P': 'secret' } };
const SEVEN_ZIP: Program = { options: {}, joined: { '-p': 'secret' } };

const PROGRAMS: Readonly<Record<string, Program>> = {
  curl: CURL,
  wget: { options: { '--header': 'header' } },
  http: { options: { '-a': 'user:password', '--auth': 'user:password' } },
  https: { options: { '-a': 'user:password', '--auth': 'user:password' } },
  mysql: MYSQL,
  mysqldump: MYSQL,
  mysqladmin: MYSQL,
  mysqlimport: MYSQL,
  mariadb: MYSQL,
  'mariadb-dump': MYSQL,
  sshpass: { options: { '-p': 'secret' }, joined: { '-p': 'secret' }, starts: true },
  'redis-cli': { options: { '-a': 'secret' } },
  mongo: DASH_P,
  mongosh: DASH_P,
  mongodump: DASH_P,
  mongorestore: DASH_P,
  docker: REGISTRY,
  podman: REGISTRY,
  nerdctl: REGISTRY,
  az: REGISTRY,
  sqlcmd: ZIP,
  bcp: ZIP,
  zip: ZIP,
  unzip: ZIP,
  '7z': SEVEN_ZIP,
  '7za': SEVEN_ZIP,
  '7zr': SEVEN_ZIP,
  rar: SEVEN_ZIP,
  unrar: SEVEN_ZIP,
  ldapsearch: LDAP,
  ldapadd: LDAP,
  ldapmodify: LDAP,
  ldapwhoami: LDAP,
  smbclient: SAMBA,
  rpcclient: SAMBA,
  smbget: SAMBA,
  net: SAMBA,
  openssl: {
    options: { '-K': 'secret', '-passin': 'secret', '-passout': 'secret', '-pass': 'secret', '-k': 'secret' },
  },
  lftp: { options: { '-u': 'user:password' } },
};

/** Programs that start the command behind them. */
const STARTERS: ReadonlySet<string> = new Set([
  'sudo',
  'env',
  'nohup',
  'timeout',
  'nice',
  'setsid',
  'exec',
  'busybox',
  'stdbuf',
  'strace',
  'xargs',
  'command',
  'time',
]);

/** What a command's name stands for: a program of the table, one that only starts another, or something unknown. */
export function programOf(word: string): Program | 'starter' | undefined {
  const name = word.slice(word.lastIndexOf('/') + 1);
  if (STARTERS.has(name)) return 'starter';
  return Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
}
