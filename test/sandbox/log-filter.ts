/**
 * What of the output of a sandbox reaches CloudWatch Logs. With log format JSON the platform drops lines below the
 * application log level; a line that is no JSON object, or has no valid level, counts as INFO, and so does one without
 * a valid timestamp (AWS, "Log-level filtering").
 */
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/u;

/** @param env - that of the function, in which the platform says what is configured. */
export function arrived(output: string, env: Readonly<Record<string, string | undefined>>): string {
  const least = LEVELS.indexOf(env['AWS_LAMBDA_LOG_LEVEL'] ?? 'TRACE');
  if (env['AWS_LAMBDA_LOG_FORMAT'] !== 'JSON') return output;
  return output
    .split('\n')
    .filter((line) => line === '' || levelOf(line) >= least)
    .join('\n');
}

function levelOf(line: string): number {
  const info = LEVELS.indexOf('INFO');
  try {
    const { level, timestamp } = JSON.parse(line) as { level?: unknown; timestamp?: unknown };
    const told = LEVELS.indexOf(String(level).toUpperCase());
    return told < 0 || !RFC_3339.test(String(timestamp)) ? info : told;
  } catch {
    return info;
  }
}
