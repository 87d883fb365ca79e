/**
 * The control object as an SSM parameter: GetParameter, by its version. A standard parameter holds 4 KiB, an advanced
 * one 8.
 */
import { codeWord } from '../code-word.ts';
import type { Reply } from '../faults.ts';
import { signedRequest, type SignedAnswer } from '../signed-request.ts';
import {
  dropIdle,
  openChannelSession,
  regionOf,
  serviceOrigin,
  type ChannelProvider,
  type ChannelSession,
} from './channel.ts';

/** JSON around the value: names, dates, the ARN; and a value is escaped. */
const AROUND_BYTES = 4096;

export const ssmChannel: ChannelProvider = {
  name: 'ssm',
  protocol: 'ssm:',
  description:
    'A parameter, `ssm:/NAME`, of type String. Needs ssm:GetParameter on it. Throttled at 40 a second in an ' +
    'account: for small fleets.',
  open: async (location, config, env, use) => {
    const Name = location.slice('ssm:'.length);
    const region = regionOf(config, env);
    const opened = await openChannelSession(
      serviceOrigin('ssm', 'AWS_ENDPOINT_URL_SSM', region, env),
      region,
      env,
      use,
      { service: 'ssm' },
    );
    let version: string | undefined;
    return {
      location,
      read: async (maxBytes, signal, { quiet = false }: { readonly quiet?: boolean } = {}) => {
        opened.setQuiet({ quiet });
        const reply = await call(opened, 'GetParameter', { Name }, maxBytes * 2 + AROUND_BYTES, signal);
        const found = parameterOf(reply);
        if (!found.ok) return found;
        const { value, etag, serverDate } = found.value;
        if (value.length > maxBytes) return { ok: false, fault: { code: 'AnswerTooLong' } };
        if (etag !== undefined && etag === version) return { ok: true, value: { state: 'unchanged' } };
        version = etag;
        return { ok: true, value: { state: 'changed', body: Buffer.from(value, 'utf8'), etag, serverDate } };
      },
      write: async (body, signal) => {
        const reply = await call(
          opened,
          'PutParameter',
          { Name, Value: body.toString('utf8'), Type: 'String', Overwrite: true, Tier: 'Intelligent-Tiering' },
          AROUND_BYTES,
          signal,
        );
        return reply.ok && reply.value.status !== 200 ? { ok: false, fault: faultOf(reply.value) } : reply;
      },
      dropConnections: () => dropIdle(opened.session),
      close: () => opened.session.agent.destroy(),
    };
  },
};

/** AWS JSON 1.1: the operation in a header, everything else in the body ("Making API requests", SSM API Reference). */
function call(
  { session }: ChannelSession,
  operation: string,
  input: object,
  maxAnswerBytes: number,
  signal: AbortSignal,
): Promise<Reply<SignedAnswer>> {
  const body = Buffer.from(JSON.stringify(input));
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': body.length,
    'x-amz-target': `AmazonSSM.${operation}`,
  };
  const sha256 = process.getBuiltinModule('node:crypto').hash('sha256', body, 'hex');
  return signedRequest(session, { method: 'POST', key: '', headers, sha256, body: [body], maxAnswerBytes }, signal);
}

interface Parameter {
  readonly value: string;
  readonly etag: string | undefined;
  readonly serverDate: string | undefined;
}

function parameterOf(reply: Reply<SignedAnswer>): Reply<Parameter> {
  if (!reply.ok) return reply;
  const { status, headers, body } = reply.value;
  if (status !== 200) return { ok: false, fault: faultOf(reply.value) };
  try {
    const { Parameter } = JSON.parse(body.toString('utf8')) as { Parameter?: { Value?: unknown; Version?: unknown } };
    if (typeof Parameter?.Value !== 'string') return { ok: false, fault: { code: 'Unreadable', status } };
    const etag = typeof Parameter.Version === 'number' ? String(Parameter.Version) : undefined;
    return { ok: true, value: { value: Parameter.Value, etag, serverDate: headers.date } };
  } catch {
    return { ok: false, fault: { code: 'Unreadable', status } };
  }
}

function faultOf({ status, body }: SignedAnswer): { readonly status: number; readonly code: string } {
  const code = codeWord(/"__type"\s*:\s*"(?:[^"#]*#)?([A-Za-z0-9]{1,80})"/u.exec(body.toString('utf8'))?.[1]);
  return { status: code?.startsWith('AccessDenied') === true ? 403 : status, code: code ?? String(status) };
}
