/** Hunts for lines that somebody who broke in, or his tools, leave behind. One pattern serves both ways of asking. */
import type { Hunt } from './contracts.ts';

interface LineHunt extends Pick<Hunt, 'id' | 'title' | 'technique' | 'severity' | 'benign'> {
  /** No look-around: Logs Insights has none. */
  readonly pattern: RegExp;
  /** Takes back what the pattern cannot tell apart; for collected streams only. */
  readonly unless?: (match: string) => boolean;
}

function lineHunt({ pattern, unless, ...facts }: LineHunt): Hunt {
  const flags = pattern.ignoreCase ? '(?i)' : '';
  return {
    ...facts,
    query:
      `fields @timestamp, @logStream, @message | filter @message like /${flags}${pattern.source}/ | sort ` +
      '@timestamp asc | limit 1000',
    matcher: () => ({
      see: (event) => {
        const match = pattern.exec(event.message)?.[0];
        return match === undefined || unless?.(match) === true
          ? undefined
          : `the line has ${JSON.stringify(match.slice(0, 120))}`;
      },
    }),
  };
}

/** In the numbering of the list of hunts: 3, 5 to 11, 15, 16, 18. */
export const killed: Hunt = lineHunt({
  id: 'runtime-killed',
  title: 'Runtime killed, exited or timed out',
  technique: 'T1499',
  severity: 'medium',
  benign: 'A function of which the own text speaks of time-outs; a process that exited with success.',
  pattern:
    /signal: killed|Runtime exited (?:with error|without providing)|Runtime\.(?:ExitError|Unknown)|Task timed out after [\d.]+ seconds|"status": ?"(?:failure|timeout)"/u,
});

export const shellErrors: Hunt = lineHunt({
  id: 'shell-errors',
  title: 'Error messages of a shell',
  technique: 'T1059.004',
  severity: 'high',
  benign: 'Messages of the application such as "item 7: not found".',
  pattern:
    /(?:^|\s|\/)(?:ba|da)?sh: (?:line )?\d+: |(?:^|\s|\/)(?:ba|da)?sh: [^:]+: (?:not found|command not found|No such file or directory|Permission denied)|: command not found|^Segmentation fault/u,
});

export const downloads: Hunt = lineHunt({
  id: 'download-chatter',
  title: 'Output of downloaders and of commands after a break-in',
  technique: 'T1105',
  severity: 'high',
  benign: 'Totals of the application ("Total 5, received 5"), a user agent with curl in it.',
  pattern:
    /curl: \(\d+\) |% Total +% Received % Xferd|--\d{4}-\d\d-\d\d \d\d:\d\d:\d\d-- +https?:|Saving to: |chmod (?:\+x|[0-7]*7[0-7]*) \/|\bnohup \S+.*&|base64 (?:-d|-D|--decode)|\/dev\/tcp\/|\bmkfifo \/|\bnc (?:-\w+ )*-e|python3? -c ["']|perl -e ["']|\buname -a\b|uid=\d+\(sbx_user/u,
});

export const miners: Hunt = lineHunt({
  id: 'miner-output',
  title: 'Output of a coin miner',
  technique: 'T1496.001',
  severity: 'high',
  benign: '"accepted (3/5)" of an application that counts invitations.',
  pattern:
    /xmrig|randomx|cryptonight|stratum\+(?:tcp|ssl):|accepted \(\d+\/\d+\) diff|speed 10s\/60s\/15m|donate-level|minexmr|supportxmr|nanopool|moneroocean/iu,
});

export const blobs: Hunt = lineHunt({
  id: 'encoded-blobs',
  title: 'Long base64, or base64 of gzip, ELF, PE, zip or a script',
  technique: 'T1027',
  severity: 'medium',
  benign: 'Long digests and ids in hexadecimal.',
  pattern: /[A-Za-z0-9+/]{200,}={0,2}|(?:^|[^A-Za-z0-9+/])(?:H4sIA|f0VMRg|TVqQA|UEsDB|IyEvYmlu)[A-Za-z0-9+/]{24,}/u,
  unless: (match) => /^[0-9a-f]+$|^[0-9A-F]+$/u.test(match),
});

export const secrets: Hunt = lineHunt({
  id: 'secrets-printed',
  title: 'Secrets in the log',
  technique: 'T1552.001',
  severity: 'high',
  benign: 'Words that begin like a key ("ASIA region"), the example keys of the AWS documentation.',
  // What a collection without a recipient took out is a secret as well.
  pattern:
    /(?:AKIA|ASIA)[A-Z0-9]{16}|aws_secret_access_key\s*[=:]|AWS_SESSION_TOKEN\s*[=:]|IQoJb3JpZ2lu|-----BEGIN [A-Z ]*PRIVATE KEY|gh[pousr]_[A-Za-z0-9]{36}|npm_[A-Za-z0-9]{36}|xox[baprs]-[A-Za-z0-9-]{10,}|<redacted:[0-9a-f]+>/u,
  unless: (match) => match.endsWith('EXAMPLE'),
});

export const payloads: Hunt = lineHunt({
  id: 'injection-payloads',
  title: 'Payloads of injections that the handler printed',
  technique: 'T1190',
  severity: 'high',
  benign: 'Lists with semicolons ("done; id 42"), short relative paths.',
  pattern:
    /\$\{jndi:|["']__proto__["']|constructor\.prototype|;\s*(?:cat\s+\/|id\s*[;|&]|id$|curl\s|wget\s|env\s*[;|&]|env$)|\$\((?:id|whoami|curl|wget|cat|nslookup|sleep)\b|`(?:id|whoami|curl|wget|cat|nslookup|sleep)\b[^`]*`|(?:\.\.\/){3,}|\/etc\/(?:passwd|shadow)|file:\/\/\/(?:etc|proc|var)|!!python\/object|cos\nsystem|require\(["'](?:node:)?child_process|Runtime\.getRuntime\(|<!ENTITY|union\s+(?:all\s+)?select\s|\bsleep\(\d+\)\s*(?:--|#)/iu,
});

export const sandboxAware: Hunt = lineHunt({
  id: 'sandbox-aware',
  title: 'Somebody knows the inside of the sandbox',
  technique: 'T1557',
  severity: 'high',
  benign: "Addresses of the function's own services on loopback, paths below /proc/net.",
  pattern:
    /\/proc\/(?:self|\d+)\/(?:environ|mem|maps)\b|(?:127\.0\.0\.1|169\.254\.100\.1):9001\b|runtime\/invocation\/(?:next|[0-9a-f-]{36})|\/(?:var\/runtime|tmp)\/bootstrap\b|\bnew_runtime\b|\bmemfd[:_]|169\.254\.169\.254/u,
});

export const readOnlyWrites: Hunt = lineHunt({
  id: 'read-only-writes',
  title: 'Attempts to write to the code or the runtime',
  technique: 'T1554',
  severity: 'medium',
  benign: 'EACCES for a file in /tmp, a disk that is full elsewhere.',
  pattern:
    /\bEROFS\b|Read-only file system|EACCES[^\n]*\/var\/(?:task|runtime|lang)|EACCES[^\n]*\/opt\/|ENOSPC[^\n]*\/tmp/u,
});

export const loaders: Hunt = lineHunt({
  id: 'loader-abuse',
  title: 'Traces of LD_PRELOAD, NODE_OPTIONS and other loaders',
  technique: 'T1574.006',
  severity: 'high',
  benign: 'A module of the application that is not found.',
  pattern:
    /from LD_PRELOAD cannot be preloaded|ERR_DLOPEN_FAILED|invalid ELF header|wrong ELF class|internal\/preload|node:internal\/process\/pre_execution|Cannot find module '[^']*'[^\n]*internal preload|Picked up JAVA_TOOL_OPTIONS/u,
});

export const scanners: Hunt = lineHunt({
  id: 'scanner-agents',
  title: 'User agents and call-back hosts of scanners',
  technique: 'T1595.002',
  severity: 'low',
  benign: 'Browsers, and health checks of the load balancer.',
  pattern:
    /sqlmap|\bnuclei\b|\bnikto\b|zgrab|masscan|python-requests\/\d|Go-http-client\/\d|\bcurl\/\d|interactsh|\.oast\.(?:pro|live|fun|site|me|online)|burpcollaborator|webhook\.site|\bngrok\b/iu,
});
