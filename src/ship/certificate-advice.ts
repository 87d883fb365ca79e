/** What to do about a certificate that a responder's machine does not trust; undefined for other faults. */
import { systemCode } from '../errors.ts';

/** Codes of Node's tls, from OpenSSL. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_/u;

export function certificateAdvice(error: unknown): string | undefined {
  const code = systemCode(error) ?? '';
  return UNTRUSTED.test(code)
    ? `the TLS certificate is not trusted (${code}): name the authorities of the proxy or endpoint with ` +
        'AWS_CA_BUNDLE, for example /etc/ssl/certs/company-ca.pem'
    : undefined;
}
