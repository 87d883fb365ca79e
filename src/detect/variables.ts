/** The variables of an environment that detectors look at. Others are not kept: they may be secrets. */
import type { BytePath } from '../contracts/evidence.ts';
import { latin1 } from '../proc/bytes.ts';
import { isWritablePlace } from './places.ts';

/** `code`: makes a program load code. `path`: where code is looked for. `route`: where requests and credentials go. */
export type VariableUse = 'code' | 'path' | 'route' | 'identity';

/**
 * ld.so(8), the documentation of each runtime, and the AWS SDK reference on endpoints and credentials. Of `identity`
 * variables the access key id is no secret: it is the name under which CloudTrail knows the session.
 */
export const WATCHED: ReadonlyMap<string, VariableUse> = new Map<string, VariableUse>([
  ['LD_PRELOAD', 'code'],
  ['LD_AUDIT', 'code'],
  ['NODE_OPTIONS', 'code'],
  ['PYTHONSTARTUP', 'code'],
  ['PYTHONHOME', 'code'],
  ['RUBYOPT', 'code'],
  ['PERL5OPT', 'code'],
  ['JAVA_TOOL_OPTIONS', 'code'],
  ['_JAVA_OPTIONS', 'code'],
  ['JDK_JAVA_OPTIONS', 'code'],
  ['DOTNET_STARTUP_HOOKS', 'code'],
  ['CORECLR_PROFILER_PATH', 'code'],
  ['BASH_ENV', 'code'],
  ['ENV', 'code'],
  ['GCONV_PATH', 'code'],
  ['AWS_LAMBDA_EXEC_WRAPPER', 'code'],
  ['LD_LIBRARY_PATH', 'path'],
  ['NODE_PATH', 'path'],
  ['PYTHONPATH', 'path'],
  ['RUBYLIB', 'path'],
  ['PERL5LIB', 'path'],
  ['CLASSPATH', 'path'],
  ['GEM_PATH', 'path'],
  ['PATH', 'path'],
  ['AWS_LAMBDA_RUNTIME_API', 'route'],
  ['AWS_ENDPOINT_URL', 'route'],
  ['HTTP_PROXY', 'route'],
  ['HTTPS_PROXY', 'route'],
  ['ALL_PROXY', 'route'],
  ['http_proxy', 'route'],
  ['https_proxy', 'route'],
  ['all_proxy', 'route'],
  ['AWS_CA_BUNDLE', 'route'],
  ['NODE_EXTRA_CA_CERTS', 'route'],
  ['NODE_TLS_REJECT_UNAUTHORIZED', 'route'],
  ['SSL_CERT_FILE', 'route'],
  ['REQUESTS_CA_BUNDLE', 'route'],
  ['SSLKEYLOGFILE', 'route'],
  ['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'route'],
  ['AWS_EC2_METADATA_SERVICE_ENDPOINT', 'route'],
  ['_HANDLER', 'identity'],
  ['LAMBDA_TASK_ROOT', 'identity'],
  ['AWS_EXECUTION_ENV', 'identity'],
  ['AWS_ACCESS_KEY_ID', 'identity'],
]);

/** Options behind which code stands: a folder for reports is none. */
const LOADING: Readonly<Record<string, RegExp>> = {
  NODE_OPTIONS: /(?:^|\s)(?:-r|--require|--import|--loader|--experimental-loader)(?:=|\s+)["']?(?<code>[^\s"']+)/gu,
  RUBYOPT: /(?:^|\s)-[rI]\s*(?<code>\S+)/gu,
  PERL5OPT: /(?:^|\s)-[MI]\s*(?<code>\S+)/gu,
};
const JAVA = /(?:-javaagent:|-agentpath:|-Xbootclasspath(?:\/[ap])?:|-Djava\.system\.class\.loader=)(?<code>[^\s=]+)/gu;

/** A variable of use `code` makes a program run what lies in a writable tree, or a text (`data:`). */
export function loadsCode(name: string, value: string, writable: readonly BytePath[]): boolean {
  const pattern = name.includes('JAVA') || name.startsWith('JDK_') ? JAVA : LOADING[name];
  const texts =
    pattern === undefined
      ? [value]
      : [...value.matchAll(pattern)].map(({ groups }) => (groups?.['code'] ?? '').replace(/^file:\/\//u, ''));
  return texts.some(
    (text) =>
      text.startsWith('data:') ||
      text
        .split(/[\s:;,"']+/u)
        .some((part) => isWritablePlace(part, writable) || isWritablePlace(`${part}/`, writable)),
  );
}

/** Longest value that is kept. */
const MAX_VALUE = 4096;

/** What a variable is for, if it is watched: those of one service (`AWS_ENDPOINT_URL_S3`) as well. */
export function useOf(name: string): VariableUse | undefined {
  return WATCHED.get(name) ?? (name.startsWith('AWS_ENDPOINT_URL_') ? 'route' : undefined);
}

/** The watched variables of an environment that is at hand. */
export function watchedOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.create(null) as Record<string, string>;
  for (const name in env) {
    const value = useOf(name) === undefined ? undefined : env[name];
    if (value !== undefined) kept[name] = clean(value);
  }
  return kept;
}

/** The watched variables of an environ file; the first of two of the same name counts, as for getenv(3). */
export function watchedIn(environ: Uint8Array): Record<string, string> {
  const kept = Object.create(null) as Record<string, string>;
  for (const item of latin1(environ).split('\0')) {
    const equals = item.indexOf('=');
    const name = item.slice(0, Math.max(0, equals));
    if (useOf(name) !== undefined && !(name in kept)) kept[name] = clean(item.slice(equals + 1));
  }
  return kept;
}

/** Proxies carry passwords: what stands before an `@` in a URL is left out. */
function clean(value: string): string {
  return value.slice(0, MAX_VALUE).replaceAll(/\/\/[^/@\s]*@/gu, '//…@');
}
