/** Whether what Amber says in the log arrives: its digests are the copy that the sandbox cannot take back. */
import { ok, warning, type DoctorCheck } from './contracts.ts';

/** Levels above those that Amber says by itself (AWS, "Log-level filtering"). */
const STRICT = ['WARN', 'ERROR', 'FATAL'];

export const logging: DoctorCheck = {
  name: 'logging',
  what: 'the log lines arrive',
  actions: [],
  check: ({ configuration: { LoggingConfig = {} } }) => {
    const { LogFormat = 'Text', ApplicationLogLevel, SystemLogLevel } = LoggingConfig;
    if (LogFormat !== 'JSON') return ok('log format Text: no line is filtered');
    const kept = `log format JSON, application log level ${ApplicationLogLevel ?? 'not set'}`;
    if (ApplicationLogLevel !== undefined && STRICT.includes(ApplicationLogLevel)) {
      return warning(
        `${kept}: Amber's lines go out as ${ApplicationLogLevel}, or they would be dropped`,
        `Except lines with "amber" from alarms that count ${ApplicationLogLevel}, or set the level to INFO. A ` +
          'layer that is older than this command says no level: its digests are dropped.',
      );
    }
    if (SystemLogLevel === 'WARN')
      return warning(
        `${kept}, system log level WARN: the platform's reports of each invocation are dropped`,
        'Set the system log level to INFO: hunts and timelines read them.',
      );
    return ok(`${kept}: every line of Amber arrives`);
  },
};
