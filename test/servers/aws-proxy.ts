/**
 * A proxy in front of moto. It serves what moto's links to code lead to, plays recorded answers for what moto does not
 * implement (LookupEvents, GuardDuty, some calls of Lambda), and fails on demand. Requests are told apart by operation.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface Asked {
  readonly operation: string;
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** The connection is reset after so many bytes of the body. */
  readonly cutAfter?: number;
}

/** Gives an answer in place of moto's, or undefined to pass on. The first rule that answers counts. */
export type Rule = (asked: Asked) => Answer | undefined;

export interface AwsProxy {
  readonly endpoint: string;
  readonly rules: Rule[];
  /** Operations in the order of their requests, failed ones included. */
  readonly seen: string[];
  /** Milliseconds that every answer waits: a round trip. */
  delayMs: number;
  /** Changes what moto has answered. */
  change: ((answer: Answer, asked: Asked) => Answer) | undefined;
  /** Requests at a time, at most. */
  readonly widest: () => number;
  readonly close: () => Promise<void>;
}

export const FOREIGN = '999988887777';
const OWN = '123456789012';

/** REST paths of Lambda, the first that fits. */
const LAMBDA: readonly (readonly [RegExp, string])[] = [
  [/^GET \/2015-03-31\/functions\/[^/]+\/?$/u, 'GetFunction'],
  [/^GET \/2015-03-31\/functions\/[^/]+\/configuration/u, 'GetFunctionConfiguration'],
  [/^GET \/2015-03-31\/functions\/[^/]+\/versions/u, 'ListVersionsByFunction'],
  [/^GET \/2015-03-31\/functions\/[^/]+\/aliases\/?$/u, 'ListAliases'],
  [/^GET \/2015-03-31\/functions\/[^/]+\/policy/u, 'GetPolicy'],
  [/^GET \/2015-03-31\/event-source-mappings/u, 'ListEventSourceMappings'],
  [/^GET \/2019-09-30\/functions\/[^/]+\/provisioned-concurrency/u, 'ListProvisionedConcurrencyConfigs'],
  [/^GET \/20\d\d-\d\d-\d\d\/functions\/[^/]+\/concurrency/u, 'GetFunctionConcurrency'],
  [/^GET \/2019-09-25\/functions\/[^/]+\/event-invoke-config\/list/u, 'ListFunctionEventInvokeConfigs'],
  [/^GET \/2020-06-30\/functions\/[^/]+\/code-signing-config/u, 'GetFunctionCodeSigningConfig'],
  [/^GET \/2021-07-20\/functions\/[^/]+\/runtime-management-config/u, 'GetRuntimeManagementConfig'],
  [/^GET \/2024-08-31\/functions\/[^/]+\/recursion-config/u, 'GetFunctionRecursionConfig'],
  [/^GET \/2021-10-31\/functions\/[^/]+\/urls/u, 'ListFunctionUrlConfigs'],
  [/^GET \/2018-10-31\/layers\/[^/]+\/versions\/\d+\/policy/u, 'GetLayerVersionPolicy'],
  [/^GET \/20\d\d-\d\d-\d\d\/tags\//u, 'ListTags'],
  [/^GET \/2025-12-01\/functions\/[^/]+\/durable-executions/u, 'ListDurableExecutionsByFunction'],
  [/^GET \/2025-12-01\/durable-executions\/[^/]+\/history/u, 'GetDurableExecutionHistory'],
  [/^GET \/detector\/?$/u, 'ListDetectors'],
  [/^POST \/detector\/[^/]+\/findings\/get/u, 'GetFindings'],
  [/^POST \/detector\/[^/]+\/findings/u, 'ListFindings'],
];

export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
}

/** An error as services with JSON protocols word it. */
export function fault(status: number, code: string, message = 'as scripted'): Answer {
  return json({ __type: code, message, Message: message }, status, { 'x-amzn-errortype': code });
}

/** The rule that answers one operation, the first `times` times that it is asked. */
export function onOperation(
  operation: string,
  answer: Answer | ((asked: Asked) => Answer | undefined),
  times: number = Infinity,
): Rule {
  let left = times;
  return (asked) => {
    if (asked.operation !== operation || left <= 0) return undefined;
    left -= 1;
    return typeof answer === 'function' ? answer(asked) : answer;
  };
}

/** What real Lambda answers where moto knows nothing. */
const RECORDED: readonly Rule[] = [
  onOperation(
    'ListFunctionUrlConfigs',
    json({
      FunctionUrlConfigs: [
        { FunctionUrl: 'https://abc.lambda-url.eu-central-1.on.aws/', AuthType: 'NONE', FunctionArn: 'arn' },
      ],
    }),
  ),
  onOperation('ListProvisionedConcurrencyConfigs', json({ ProvisionedConcurrencyConfigs: [] })),
  onOperation('GetRuntimeManagementConfig', json({ UpdateRuntimeOn: 'Auto', FunctionArn: 'arn' })),
  onOperation('GetFunctionRecursionConfig', json({ RecursiveLoop: 'Terminate' })),
  onOperation('GetFunctionCodeSigningConfig', json({})),
  onOperation('ListDetectors', json({ detectorIds: [] })),
  onOperation('LookupEvents', json({ Events: [] })),
];

/** Starts the proxy. `folder` holds packages as `<sha256 hex>.zip`. */
export async function awsProxy(target: string, folder: string): Promise<AwsProxy> {
  const rules: Rule[] = [];
  const seen: string[] = [];
  let open = 0;
  let widest = 0;
  const proxy: AwsProxy = {
    endpoint: '',
    rules,
    seen,
    delayMs: 0,
    change: undefined,
    widest: () => widest,
    close: () => Promise.resolve(),
  };
  const server = createServer((incoming, outgoing) => {
    open += 1;
    widest = Math.max(widest, open);
    const wait = new Promise((resolve) => setTimeout(resolve, proxy.delayMs));
    void wait
      .then(() => serve({ incoming, outgoing, target, folder, rules, seen, change: proxy.change }))
      .catch((error: unknown) => outgoing.destroy(error as Error))
      .finally(() => {
        open -= 1;
      });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(proxy, {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

interface Serving {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly target: string;
  readonly folder: string;
  readonly rules: readonly Rule[];
  readonly seen: string[];
  readonly change: AwsProxy['change'];
}

async function serve(serving: Serving): Promise<void> {
  const { incoming, outgoing, rules, seen } = serving;
  const pieces: Buffer[] = [];
  for await (const piece of incoming as AsyncIterable<Buffer>) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const url = new URL(incoming.url ?? '/', 'http://proxy');
  const asked: Asked = { operation: operationOf(incoming, url, body), method: incoming.method ?? 'GET', url, body };
  seen.push(asked.operation);
  const own = [...rules, foreignLayer, servedFrom(serving.folder, incoming), ...RECORDED];
  const answer =
    own.reduce<Answer | undefined>((found, rule) => found ?? rule(asked), undefined) ?? (await passOn(serving, asked));
  send(outgoing, answer);
}

function send(outgoing: ServerResponse, { status, headers = {}, body = '', cutAfter }: Answer): void {
  const bytes = Buffer.from(body);
  outgoing.writeHead(status, { ...headers, 'content-length': bytes.length });
  if (cutAfter === undefined) outgoing.end(bytes);
  else outgoing.write(bytes.subarray(0, cutAfter), () => outgoing.socket?.resetAndDestroy());
}

function operationOf(incoming: IncomingMessage, url: URL, body: Buffer): string {
  const target = incoming.headers['x-amz-target'];
  if (typeof target === 'string') return target.split('.').at(-1) ?? target;
  if (url.pathname.startsWith('/_code/')) return 'Download';
  if (url.searchParams.get('find') === 'LayerVersion') return 'GetLayerVersionByArn';
  const path = `${incoming.method ?? ''} ${url.pathname}`;
  const named = LAMBDA.find(([pattern]) => pattern.test(path))?.[1];
  return named ?? /(?:^|&)Action=(\w+)/u.exec(body.toString('latin1'))?.[1] ?? path;
}

/** A layer of another account: its owner does not let us read it. */
const foreignLayer: Rule = ({ operation, url }) => {
  if (!operation.startsWith('GetLayerVersion') || !decodeURIComponent(url.href).includes(FOREIGN)) return undefined;
  const action = operation === 'GetLayerVersionPolicy' ? operation : 'GetLayerVersion';
  return fault(
    403,
    'AccessDeniedException',
    `User: arn:aws:iam::${OWN}:user/responder is not authorized to perform: lambda:${action} on resource: shared-metrics because no resource-based policy allows it`,
  );
};

function servedFrom(folder: string, incoming: IncomingMessage): Rule {
  return ({ operation, url }) => {
    if (operation !== 'Download') return undefined;
    const file = join(folder, `${url.pathname.split('/').at(-1) ?? ''}.zip`);
    if (!existsSync(file) || !url.searchParams.has('X-Amz-Signature')) return { status: 403, body: 'Forbidden' };
    const bytes = readFileSync(file);
    const from = Number(/^bytes=(\d+)-$/u.exec(incoming.headers.range ?? '')?.[1] ?? 0);
    return {
      status: from === 0 ? 200 : 206,
      headers: { 'content-type': 'application/zip' },
      body: bytes.subarray(from),
    };
  };
}

/** moto does not keep the log group that a function is configured with. */
const LOGGING = { LogGroup: '/shop/checkout-logs', LogFormat: 'Text' };

/** On to moto, and back with links that lead here, the log group, and the account of the third layer. */
async function passOn({ incoming, target, change }: Serving, asked: Asked): Promise<Answer> {
  const path = asked.operation === 'GetLayerVersionByArn' ? layerPath(asked.url) : (incoming.url ?? '/');
  const headers = { ...incoming.headers, host: new URL(target).host };
  const answer = await new Promise<Answer>((resolve, reject) => {
    const { hostname, port } = new URL(target);
    const upstream = httpRequest(
      { host: hostname, port, method: asked.method, path, headers, agent: false },
      (response) => {
        const pieces: Buffer[] = [];
        response
          .on('data', (piece: Buffer) => pieces.push(piece))
          .on('error', reject)
          .on('end', () => {
            const kept = Object.entries(response.headers).filter(
              ([name]) => !/^(?:connection|keep-alive|transfer-encoding|content-length|date|server)$/u.test(name),
            );
            resolve({
              status: response.statusCode ?? 502,
              headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
              body: Buffer.concat(pieces),
            });
          });
      },
    );
    upstream.on('error', reject);
    upstream.end(asked.body);
  });
  const given = rewritten(answer, asked, `http://${incoming.headers.host ?? ''}`);
  return change?.(given, asked) ?? given;
}

function layerPath(url: URL): string {
  const [, , , , , , name = '', version = ''] = (url.searchParams.get('Arn') ?? '').split(':');
  return `/2018-10-31/layers/${name}/versions/${version}`;
}

interface Configured {
  CodeSha256: string;
  Version?: string;
  LoggingConfig?: object;
  ConfigSha256?: string;
}

interface Answered extends Configured {
  readonly FunctionArn?: string;
  readonly Code?: Record<string, string>;
  readonly Configuration?: Configured;
  readonly Versions?: readonly Configured[];
  readonly Content?: Record<string, string>;
}

function rewritten(answer: Answer, { operation }: Asked, own: string): Answer {
  if (
    !/^(?:GetFunction|GetFunctionConfiguration|ListVersionsByFunction|GetLayerVersionByArn)$/u.test(operation) ||
    answer.status !== 200
  )
    return answer;
  const value = JSON.parse(
    String(answer.body).replaceAll(`:${OWN}:layer:shared-metrics`, `:${FOREIGN}:layer:shared-metrics`),
  ) as Answered;
  const link = (base64: string): string =>
    `${own}/_code/${Buffer.from(base64, 'base64').toString('hex')}?X-Amz-Security-Token=IQoJb3JpZ2luX2VjSESSIONTOKEN&X-Amz-Signature=0123`;
  if (value.Code !== undefined && value.Configuration !== undefined)
    value.Code['Location'] = link(value.Configuration.CodeSha256);
  if (value.Content?.['CodeSha256'] !== undefined) value.Content['Location'] = link(value.Content['CodeSha256']);
  for (const one of [
    value.Configuration,
    ...(value.Versions ?? []),
    ...(value.FunctionArn === undefined ? [] : [value]),
  ]) {
    if (one === undefined) continue;
    one.LoggingConfig = LOGGING;
    one.ConfigSha256 = Buffer.from(`config of ${one.Version ?? ''}`).toString('base64');
  }
  return { ...answer, body: JSON.stringify(value) };
}

/** Hex SHA-256, to name packages by. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
