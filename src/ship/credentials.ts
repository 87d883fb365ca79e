/**
 * AWS credentials, taken once when a destination is opened: a swap of the environment during the capture changes
 * nothing. Read from the environment, or from the endpoint that Lambda names where credentials are not in it
 * (SnapStart: "Activating SnapStart" and "Container credential provider" in the AWS SDKs and Tools Reference Guide).
 */
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const ENDPOINT_TIMEOUT_MS = 1000;
const MAX_ANSWER_BYTES = 16 * 1024;
/** Hosts that may be asked without TLS: the loopback, and the fixed addresses of ECS and EKS. */
const LOCAL_HOSTS: ReadonlySet<string> = new Set([
  'localhost',
  '127.0.0.1',
  '[::1]',
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
]);

/**
 * The credentials of this sandbox, or undefined where the environment names none.
 *
 * @throws AmberError DESTINATION_CREDENTIALS when the endpoint that the environment names gives none within a second.
 */
export async function takeCredentials(env: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  const sessionToken = env['AWS_SESSION_TOKEN'];
  if (isSet(accessKeyId) && isSet(secretAccessKey)) {
    return { accessKeyId, secretAccessKey, ...(isSet(sessionToken) ? { sessionToken } : {}) };
  }
  const endpoint = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  return isSet(endpoint) ? askEndpoint(endpoint, env['AWS_CONTAINER_AUTHORIZATION_TOKEN']) : undefined;
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

async function askEndpoint(endpoint: string, token: string | undefined): Promise<Credentials> {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (
    url === undefined ||
    !(url.protocol === 'https:' || (url.protocol === 'http:' && LOCAL_HOSTS.has(url.hostname)))
  ) {
    throw refused('AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine');
  }
  let answer: unknown;
  try {
    answer = JSON.parse(await get(url, token));
  } catch (cause) {
    throw refused('the endpoint in AWS_CONTAINER_CREDENTIALS_FULL_URI gave no credentials', cause);
  }
  const { AccessKeyId, SecretAccessKey, Token } = (answer ?? {}) as Record<string, unknown>;
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string') {
    throw refused(
      'the endpoint in AWS_CONTAINER_CREDENTIALS_FULL_URI answered without AccessKeyId and SecretAccessKey',
    );
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(typeof Token === 'string' ? { sessionToken: Token } : {}),
  };
}

function get(url: URL, token: string | undefined): Promise<string> {
  // Not by import: see openSession in signed-request.ts.
  const { request } =
    url.protocol === 'https:' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
  const signal = AbortSignal.timeout(ENDPOINT_TIMEOUT_MS);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asked = request(url, { agent: false, signal, headers: defined({ authorization: token }) }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      body += chunk;
      if (body.length > MAX_ANSWER_BYTES) asked.destroy(refused('the answer is too long'));
    });
    response.on('error', reject);
    response.on('end', () => {
      if (response.statusCode === 200) resolve(body);
      else reject(refused(`it answered ${String(response.statusCode)}`));
    });
  });
  asked.on('error', reject);
  asked.end();
  return promise;
}

function refused(reason: string, cause?: unknown): AmberError {
  return new AmberError('DESTINATION_CREDENTIALS', `No AWS credentials: ${reason}.`, { cause });
}
