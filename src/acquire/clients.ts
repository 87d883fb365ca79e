/** The AWS clients of the responder: each loaded at its first use, all behind the same pace, retries and meter. */
import type { CloudTrail } from '@aws-sdk/client-cloudtrail';
import type { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';
import type { ECR } from '@aws-sdk/client-ecr';
import type { GuardDuty } from '@aws-sdk/client-guardduty';
import type { IAM } from '@aws-sdk/client-iam';
import type { Lambda } from '@aws-sdk/client-lambda';
import type { S3 } from '@aws-sdk/client-s3';
import type { STS } from '@aws-sdk/client-sts';
import type { Agent } from 'node:http';
import type { Outward, AskCredentials } from '../contracts/outward.ts';
import { defined } from '../defined.ts';
import type { Meter } from './meter.ts';
import { paces, type Pace } from './pace.ts';

export interface ClientOptions {
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  /** One endpoint for all services, for tests and for what speaks the same protocols. */
  readonly endpoint?: string | undefined;
  /** Attempts of one request; the pauses between them grow from 100 ms (500 ms when throttled) to 20 s, with jitter. */
  readonly attempts?: number;
  /** Proxies, authorities and credentials; undefined: as the SDK has them by itself. */
  readonly outward?: Outward | undefined;
  /** False: as fast as the server answers. For servers without the quotas of AWS. */
  readonly paced?: boolean;
}

export interface Clients {
  readonly lambda: () => Promise<Lambda>;
  readonly logs: () => Promise<CloudWatchLogs>;
  /** Event history is kept by Region. */
  readonly cloudtrail: (region: string) => Promise<CloudTrail>;
  /** A registry lies in a Region of its own. */
  readonly ecr: (region: string) => Promise<ECR>;
  readonly iam: () => Promise<IAM>;
  readonly sts: () => Promise<STS>;
  readonly guardduty: () => Promise<GuardDuty>;
  readonly s3: () => Promise<S3>;
  /** For what is asked without a client; undefined: as Node makes connections. */
  readonly agent: (options: { readonly secure: boolean }) => Promise<Agent | undefined>;
  readonly close: () => void;
}

const ATTEMPTS = 8;
const unpaced = (): Pace => (signal) => {
  signal.throwIfAborted();
  return Promise.resolve();
};
export const CONNECT_MS: number = 5000;
export const REQUEST_MS: number = 60_000;

export function openClients(options: ClientOptions, meter: Meter, signal: AbortSignal): Clients {
  const pace = options.paced === false ? unpaced : paces();
  const made = new Map<string, Promise<{ destroy: () => void }>>();
  const agents = openAgents(options.outward);
  let known: Promise<ClientSettings> | undefined;
  const settings = (): Promise<ClientSettings> => (known ??= clientSettings(options, agents));
  function kept<T extends Client>(service: string, name: string, make: MakeClient<T>): Promise<T> {
    const client =
      (made.get(name) as Promise<T> | undefined) ??
      settings()
        .then(make)
        .then((fresh) => metered(fresh, service));
    made.set(name, client);
    return client;
  }
  function metered<T extends Client>(client: T, service: string): T {
    client.middlewareStack.add(counted(service, { pace, meter, signal }), {
      step: 'finalizeRequest',
      priority: 'low',
      name: 'amberPace',
    });
    return client;
  }
  return {
    ...servicesOf(kept, options),
    agent: ({ secure }) => agents({ secure }),
    close: () => {
      for (const client of made.values()) void client.then((one) => one.destroy()).catch(() => undefined);
      for (const secure of [true, false])
        void agents({ secure })
          .then((agent) => agent?.destroy())
          .catch(() => undefined);
    },
  };
}

type MakeClient<T> = (settings: ClientSettings) => Promise<T>;
/** The client of that name, made at its first use. */
type Kept = <T extends Client>(service: string, name: string, make: MakeClient<T>) => Promise<T>;

function servicesOf(kept: Kept, { endpoint }: ClientOptions): Omit<Clients, 'agent' | 'close'> {
  const once =
    <T extends Client>(service: string, make: MakeClient<T>): (() => Promise<T>) =>
    () =>
      kept(service, service, make);
  return {
    lambda: once('lambda', async (settings) => new (await import('@aws-sdk/client-lambda')).Lambda(settings)),
    logs: once(
      'logs',
      async (settings) => new (await import('@aws-sdk/client-cloudwatch-logs')).CloudWatchLogs(settings),
    ),
    cloudtrail: (region) =>
      kept(
        'cloudtrail',
        `cloudtrail ${region}`,
        async (settings) => new (await import('@aws-sdk/client-cloudtrail')).CloudTrail({ ...settings, region }),
      ),
    ecr: (region) =>
      kept(
        'ecr',
        `ecr ${region}`,
        async (settings) => new (await import('@aws-sdk/client-ecr')).ECR({ ...settings, region }),
      ),
    iam: once('iam', async (settings) => new (await import('@aws-sdk/client-iam')).IAM(settings)),
    sts: once('sts', async (settings) => new (await import('@aws-sdk/client-sts')).STS(settings)),
    guardduty: once(
      'guardduty',
      async (settings) => new (await import('@aws-sdk/client-guardduty')).GuardDuty(settings),
    ),
    s3: once(
      's3',
      async (settings) =>
        new (await import('@aws-sdk/client-s3')).S3({
          ...settings,
          forcePathStyle: endpoint !== undefined,
          followRegionRedirects: true,
        }),
    ),
  };
}

/** One agent for each scheme, for all clients. */
function openAgents(outward: Outward | undefined): Clients['agent'] {
  const opened = new Map<boolean, Promise<Agent | undefined>>();
  return ({ secure }) => {
    const agent = opened.get(secure) ?? outward?.agent({ secure }) ?? Promise.resolve(undefined);
    opened.set(secure, agent);
    return agent;
  };
}

interface ClientSettings {
  readonly region?: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly credentials?: AskCredentials;
  readonly maxAttempts: number;
  readonly retryMode: 'standard';
  readonly requestHandler: { readonly connectionTimeout: number; readonly requestTimeout: number };
}

async function clientSettings(
  { region, profile, endpoint, attempts, outward }: ClientOptions,
  agents: Clients['agent'],
): Promise<ClientSettings> {
  const [httpAgent, httpsAgent] = [await agents({ secure: false }), await agents({ secure: true })];
  return {
    ...defined({ region, profile, endpoint }),
    ...(outward === undefined ? {} : { credentials: outward.credentials }),
    maxAttempts: attempts ?? ATTEMPTS,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: REQUEST_MS,
      ...(httpsAgent === undefined ? {} : { httpAgent, httpsAgent }),
    },
  };
}

type Next = (args: never) => Promise<unknown>;
type Middleware = <N extends Next>(next: N, context: { readonly commandName?: string }) => N;

interface Client {
  readonly destroy: () => void;
  readonly middlewareStack: {
    readonly add: (
      middleware: never,
      options: { readonly step: 'finalizeRequest'; readonly priority: 'low'; readonly name: string },
    ) => void;
  };
}

interface Counting {
  readonly pace: ReturnType<typeof paces>;
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

/** Stands inside of the retries, so that every attempt takes its turn. */
function counted(service: string, { pace, meter, signal }: Counting): never {
  const middleware: Middleware = (next, context) => {
    const operation = (context.commandName ?? '').replace(/Command$/u, '');
    const paced = async (args: never): Promise<unknown> => {
      await pace(service, operation)(signal);
      meter.begin();
      let throttled = false;
      try {
        return await next(args);
      } catch (error) {
        throttled = error instanceof Error && /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/u.test(error.name);
        throw error;
      } finally {
        meter.end({ throttled });
      }
    };
    return paced as typeof next;
  };
  return middleware as never;
}
