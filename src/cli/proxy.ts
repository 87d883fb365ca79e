/**
 * HTTPS_PROXY, HTTP_PROXY, NO_PROXY and AWS_CA_BUNDLE of the responder's machine: what they say, or one line on what is
 * wrong.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { AmberError, systemCode } from '../errors.ts';

export interface Proxy {
  /** As the environment has it. */
  readonly variable: string;
  readonly url: URL;
}

export interface ProxySettings {
  /** For requests with TLS, and for those without. */
  readonly secure: Proxy | undefined;
  readonly plain: Proxy | undefined;
  /** Hosts that are asked directly. */
  readonly except: string;
  /** Certificates, PEM, in place of those of Node. */
  readonly ca: string | undefined;
}

const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/gu;

/** Undefined where none of the variables is set. @throws AmberError CONFIG_INVALID, naming the variable. */
export function proxySettings(env: NodeJS.ProcessEnv): ProxySettings | undefined {
  const [secure, plain] = [proxyOf(env, 'HTTPS_PROXY'), proxyOf(env, 'HTTP_PROXY')];
  const bundle = env['AWS_CA_BUNDLE'];
  const ca = bundle === undefined || bundle === '' ? undefined : authorities(bundle);
  if (secure === undefined && plain === undefined && ca === undefined) return undefined;
  return { secure, plain, except: given(env, 'NO_PROXY')?.[1] ?? '', ca };
}

/** The lower-case name comes first, as in curl(1) and Python. An empty value is none. */
function given(env: NodeJS.ProcessEnv, name: string): readonly [variable: string, value: string] | undefined {
  for (const variable of [name.toLowerCase(), name]) {
    const value = env[variable]?.trim();
    if (value !== undefined && value !== '') return [variable, value];
  }
  return undefined;
}

function proxyOf(env: NodeJS.ProcessEnv, name: string): Proxy | undefined {
  const found = given(env, name);
  if (found === undefined) return undefined;
  const [variable, value] = found;
  const text = /^[a-z][a-z0-9+.-]*:\/\//iu.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && isUsable(url)) return { variable, url };
  // A name and a password may stand before the @.
  const shown = value.replace(/^.*@/su, '…@').slice(0, 100);
  throw new AmberError(
    'CONFIG_INVALID',
    `${variable} is ${JSON.stringify(shown)}; expected the URL of an HTTP proxy, for example ` +
      'http://proxy.example.com:3128',
  );
}

function isUsable({ protocol, hostname, pathname, search, hash, username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  return /^https?:$/u.test(protocol) && hostname !== '' && /^\/?$/u.test(pathname) && search === '' && hash === '';
}

function authorities(path: string): string {
  const wrong = (why: string, cause?: unknown): AmberError =>
    new AmberError(
      'CONFIG_INVALID',
      `AWS_CA_BUNDLE is ${JSON.stringify(path.slice(0, 200))}: ${why}; expected a file with certificates in ` +
        'PEM, for example /etc/ssl/certs/company-ca.pem',
      { cause },
    );
  let text: string;
  try {
    const file = statSync(path);
    if (!file.isFile() || file.size > MAX_BUNDLE_BYTES)
      throw wrong(file.isFile() ? `it is longer than ${MAX_BUNDLE_BYTES} bytes` : 'it is no file');
    text = readFileSync(path, 'latin1');
  } catch (cause) {
    throw cause instanceof AmberError ? cause : wrong(`it cannot be read (${systemCode(cause) ?? 'unknown'})`, cause);
  }
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw wrong('it holds no certificate');
  const bad = certificates.findIndex((one) => !isCertificate(one));
  if (bad >= 0) throw wrong(`certificate ${bad + 1} in it is damaged`);
  return certificates.join('\n');
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
