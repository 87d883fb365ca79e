/** Command lines that intruders type and functions hardly ever. One row each; a text may fit several. */
import type { Severity } from '../contracts/evidence.ts';

export interface Idiom {
  readonly name: string;
  readonly severity: Severity;
  readonly what: string;
}

/** Runs are bounded and so is the text: the worst that an attacker can write costs some milliseconds. */
const IDIOMS: readonly (Idiom & { readonly pattern: RegExp })[] = [
  {
    name: 'dev-tcp',
    severity: 'critical',
    what: 'opens a socket with the shell (/dev/tcp)',
    pattern: /\/dev\/(?:tcp|udp)\/[\w.:-]/u,
  },
  {
    name: 'netcat-exec',
    severity: 'critical',
    what: 'ties a shell to a socket',
    pattern: /\b(?:nc|ncat|netcat)\b[^|;&]{0,200}\s-\w*[ec]\w*\s|\bsocat\b[^|;&]{0,200}\bexec:/iu,
  },
  {
    name: 'fifo-shell',
    severity: 'critical',
    what: 'ties a shell to a pipe file',
    pattern: /\bmkfifo\b[^\n]{0,200}\b(?:sh|bash|nc|openssl)\b/u,
  },
  {
    name: 'socket-one-liner',
    severity: 'critical',
    what: 'ties a shell to a socket by an interpreter',
    pattern:
      /\bdup2\b[^\n]{0,300}\b(?:pty|subprocess|os\.system|sh)\b|\bsocket\b[^\n]{0,300}\b(?:dup2|pty\.spawn|\/bin\/(?:ba)?sh)\b/u,
  },
  {
    name: 'download-run',
    severity: 'high',
    what: 'pipes a download into an interpreter',
    pattern:
      /\b(?:curl|wget)\b[^\n]{0,300}\|\s*(?:sudo\s+)?(?:\/\w+\/(?:\w+\/)?)?(?:sh|bash|dash|python[\d.]*|node|perl|ruby)\b/u,
  },
  {
    name: 'download-stage',
    severity: 'high',
    what: 'downloads to a writable tree and runs or marks it',
    pattern: /\b(?:curl|wget)\b[^\n]{0,300}\/(?:tmp|dev\/shm)\/[^\n]{0,200}(?:chmod|&&|;)/u,
  },
  {
    name: 'decode-run',
    severity: 'high',
    what: 'decodes a text into an interpreter',
    pattern: /\bbase64\s+(?:-d|-D|--decode)\b[^\n]{0,200}\|\s*(?:\/\w+\/)?(?:sh|bash|python[\d.]*|node|perl)\b/u,
  },
  {
    name: 'environ-read',
    severity: 'high',
    what: 'reads the environment of a process out of /proc',
    pattern: /\/proc\/(?:self|\$\$|\$PPID|\*|\d+)\/(?:task\/\d+\/)?(?:environ|mem)\b/u,
  },
  {
    name: 'environ-send',
    severity: 'high',
    what: 'sends the environment away',
    pattern: /\b(?:env|printenv|set|export)\b\s*\|[^\n]{0,100}\b(?:curl|wget|nc|ncat|base64|openssl)\b/u,
  },
  {
    name: 'credentials-read',
    severity: 'medium',
    what: 'asks for the credentials of the function',
    pattern: /\bAWS_(?:SECRET_ACCESS_KEY|SESSION_TOKEN)\b|\.aws\/credentials\b/u,
  },
  {
    name: 'account-files',
    severity: 'medium',
    what: 'reads the files of accounts',
    pattern: /\/etc\/(?:passwd|shadow)\b/u,
  },
  {
    name: 'stage-mark',
    severity: 'medium',
    what: 'makes a file of a writable tree executable',
    pattern: /\bchmod\s+(?:\+x|[0-7]?[0-7]*[1357][0-7]*|\w*\+\w*x\w*)\s+\/(?:tmp|dev\/shm)\//u,
  },
  { name: 'left-behind', severity: 'medium', what: 'leaves a process behind', pattern: /\b(?:nohup|setsid|disown)\b/u },
  {
    name: 'runtime-api',
    severity: 'high',
    what: 'talks to the Runtime API',
    pattern: /\/2018-06-01\/runtime\/(?:invocation|init)|\bAWS_LAMBDA_RUNTIME_API\b/u,
  },
  {
    name: 'survey',
    severity: 'low',
    what: 'looks around',
    pattern: /(?:^|[;&|\s])(?:whoami|uname\s+-a|id\s*(?:$|[;&|]))/u,
  },
];

/** Longest text that is looked at. */
const MAX_TEXT = 1024;

/** The idioms of a command line, most severe first. */
export function idiomsOf(text: string): readonly Idiom[] {
  const start = text.slice(0, MAX_TEXT);
  return IDIOMS.filter(({ pattern }) => pattern.test(start));
}
