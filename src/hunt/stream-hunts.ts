/**
 * Hunts over whole streams: one stream is one sandbox, so what happens to a sandbox shows in how its stream goes on.
 */
import type { Hunt, Matcher, WholeHit } from './contracts.ts';
import { many } from '../many.ts';

const HOUR_MS = 3_600_000;
/** Streams that are remembered; beyond it new ones are passed over. */
const MAX_STREAMS = 500_000;

/** 4 */
export const resets: Hunt = {
  id: 'reset-in-place',
  title: 'The runtime was started again in the same sandbox',
  technique: 'T1190',
  severity: 'medium',
  benign: 'One INIT_START for each sandbox.',
  query:
    'filter @message like /INIT_START|platform.initStart/ | stats count(*) as inits, min(@timestamp) ' +
    'as first, max(@timestamp) as last by @logStream | filter inits > 1 | sort inits desc | limit 1000',
  matcher: () => {
    const inits = new Map<string, number>();
    return {
      see: ({ logStream }, platform) => {
        if (platform?.kind !== 'init' || (inits.size >= MAX_STREAMS && !inits.has(logStream))) return undefined;
        const count = (inits.get(logStream) ?? 0) + 1;
        inits.set(logStream, count);
        return count > 1
          ? `start number ${count} of this sandbox: the one before ended in a crash, a time-out or an exit, ` +
              'and /tmp survived it'
          : undefined;
      },
    };
  },
};

/** Extensions of AWS and of vendors, by the names that they register with. */
const KNOWN_EXTENSIONS =
  /^(?:amber|AppConfigAgent|aws-appconfig-extension|bootstrap|cloudwatch_lambda_agent|collector|datadog-agent|dynatrace|elastic-apm-extension|honeycomb-lambda-extension|lumigo|newrelic-extension|otel-collector|sentry-lambda-extension|splunk-extension-wrapper|sumologic-extension|AWSParametersAndSecretsLambdaExtension|parameters-and-secrets)/iu;

/** 12 */
export const unknownExtensions: Hunt = {
  id: 'unknown-extension',
  title: 'An extension that is not a known one',
  technique: 'T1525',
  severity: 'high',
  benign: 'Extensions of AWS and of monitoring vendors.',
  query:
    'filter @message like /EXTENSION\\s+Name:|platform.extension|Found target env var at: 0x|Patched ' +
    '\\d+ instances/ | parse @message /Name: (?<ext>\\S+)\\s+State: (?<st>\\S+)/ | stats count(*) as ' +
    'n, min(@timestamp) as first by ext, st | sort n asc | limit 1000',
  matcher: () => {
    const told = new Set<string>();
    return {
      see: ({ message }, platform) => {
        if (/Found target env var at: 0x|Patched \d+ instances?\b/u.test(message))
          return 'output of LambdaSpy, which puts itself between the runtime and its API';
        const name = platform?.kind === 'extension' ? platform.extension : undefined;
        if (name === undefined || KNOWN_EXTENSIONS.test(name) || told.has(name) || told.size > 1000) return undefined;
        told.add(name);
        return `extension ${JSON.stringify(name.slice(0, 100))}, state ${platform?.state ?? 'unknown'}: told once`;
      },
    };
  },
};

/** 13 */
export const rareRuntimes: Hunt = {
  id: 'rare-runtime',
  title: 'A runtime version that nearly no sandbox has',
  technique: 'T1574',
  severity: 'low',
  benign: 'One version for all, or an update that reaches them all.',
  query:
    'filter @message like /INIT_START/ | parse @message /Runtime Version: (?<rv>\\S+)\\s+Runtime ' +
    'Version ARN: (?<arn>\\S+)/ | stats count(*) as n, min(@timestamp) as first, max(@timestamp) as ' +
    'last by rv, arn | sort n asc | limit 100',
  matcher: () => {
    const versions = new Map<string, { count: number; logStream: string; at: number }>();
    return {
      see: ({ logStream, timestamp }, platform) => {
        const arn = platform?.kind === 'init' ? platform.runtimeArn : undefined;
        if (arn !== undefined && versions.size < 10_000)
          versions.set(arn, { count: (versions.get(arn)?.count ?? 0) + 1, logStream, at: timestamp });
        return undefined;
      },
      end: () => {
        const all = [...versions.values()].reduce((sum, { count }) => sum + count, 0);
        return [...versions]
          .filter(([, { count }]) => all >= 20 && count <= all / 20)
          .map(
            ([arn, { count, logStream, at }]): WholeHit => ({
              logStream,
              timestamp: at,
              detail: `${count} of ${all} starts had ${arn}`,
            }),
          );
      },
    };
  },
};

/** Requests with lines of their own before, and requests without any after, that make a silence. */
const SPOKEN = 5;
const SILENT = 4;

/** 14 */
export const silence: Hunt = {
  id: 'handler-silent',
  title: 'The handler fell silent while invocations go on',
  technique: 'T1574',
  severity: 'high',
  benign: 'A function that never prints anything.',
  query:
    'stats sum(strcontains(@message,"REPORT RequestId")) as reports, count(*) as lines, lines/reports ' +
    'as ratio by @logStream, bin(30m) | filter reports > 3 | sort ratio asc | limit 1000',
  matcher: () => silenceMatcher(),
};

function silenceMatcher(): Matcher {
  const streams = new Map<string, { spoken: number; silent: number; own: number }>();
  return {
    see: ({ logStream }, platform) => {
      const state = streams.get(logStream) ?? { spoken: 0, silent: 0, own: 0 };
      if (streams.size < MAX_STREAMS) streams.set(logStream, state);
      if (platform === undefined) state.own += 1;
      if (platform?.kind === 'start') state.own = 0;
      if (platform?.kind !== 'report') return undefined;
      if (state.own > 0) {
        state.spoken += 1;
        state.silent = 0;
      } else state.silent += 1;
      state.own = 0;
      return state.silent === SILENT && state.spoken >= SPOKEN
        ? `${SILENT} invocations without a line of the handler, after ${state.spoken} with some: something ` +
            'else may be answering'
        : undefined;
    },
  };
}

/**
 * Lambda ends sandboxes "every few hours", also those that are always invoked ("Lambda execution environment
 * lifecycle").
 */
const LONG_HOURS = 6;

/** 19 */
export const longLived: Hunt = {
  id: 'long-lived',
  title: 'A sandbox that is kept alive',
  technique: 'T1546',
  severity: 'low',
  benign: 'Sandboxes of two or three hours under steady load.',
  query:
    'stats min(@timestamp) as a, max(@timestamp) as b, count(*) as n by @logStream | fields ' +
    '(b-a)/3600000 as hours | filter hours > 6 | sort hours desc | limit 1000',
  matcher: () => {
    const spans = new Map<string, { first: number; last: number; reports: number }>();
    return {
      see: ({ logStream, timestamp }, platform) => {
        const span = spans.get(logStream) ?? { first: timestamp, last: timestamp, reports: 0 };
        if (spans.size < MAX_STREAMS) spans.set(logStream, span);
        span.last = timestamp;
        if (platform?.kind === 'report') span.reports += 1;
        return undefined;
      },
      end: () =>
        [...spans]
          .filter(([, { first, last }]) => last - first > LONG_HOURS * HOUR_MS)
          .map(
            ([logStream, { first, last, reports }]): WholeHit => ({
              logStream,
              timestamp: last,
              detail:
                `${((last - first) / HOUR_MS).toFixed(1)} hours, ${many(reports, 'invocation')}, one each ` +
                `${Math.round((last - first) / 1000 / Math.max(1, reports))} s`,
            }),
          ),
    };
  },
};
