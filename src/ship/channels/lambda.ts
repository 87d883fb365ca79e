/**
 * The function's own current configuration in place of an order: a responder who sets AMBER_CAPTURE=now there starts
 * new sandboxes and leaves the old ones without a word. One of those asks for it at its end (GetFunctionConfiguration,
 * Lambda API Reference).
 */
import { codeWord } from '../code-word.ts';
import type { Reply } from '../faults.ts';
import { signedRequest, type SignedAnswer } from '../signed-request.ts';
import { dropIdle, openChannelSession, regionOf, serviceOrigin, type ChannelProvider } from './channel.ts';

/** 4 KiB of environment variables, escaped, and what stands around them. */
const ANSWER_BYTES = 64 * 1024;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** A flip that is older has been carried out by the sandboxes that were to. */
const LIFE_MS = 86_400_000;
const IDLE = { amber: 1, state: 'idle' } as const;

export const lambdaChannel: ChannelProvider = {
  name: 'lambda',
  protocol: 'lambda:',
  description:
    'The configuration of the function, `lambda:self`: `AMBER_CAPTURE=now`, set within a day, is the order. ' +
    'Asked for at the end of a sandbox alone, so with the extension. Needs lambda:GetFunctionConfiguration on ' +
    'the function itself.',
  open: async (location, config, env, use) => {
    const region = regionOf(config, env);
    const name = env['AWS_LAMBDA_FUNCTION_NAME'] ?? '';
    const opened = await openChannelSession(
      serviceOrigin('lambda', 'AWS_ENDPOINT_URL_LAMBDA', region, env),
      region,
      env,
      use,
      { service: 'lambda' },
    );
    return {
      location,
      onlyAtTheEnd: true,
      read: async (_, signal) => {
        const key = `2015-03-31/functions/${encodeURIComponent(name)}/configuration`;
        const reply = await signedRequest(
          opened.session,
          { method: 'GET', key, headers: {}, sha256: EMPTY_SHA256, body: [], maxAnswerBytes: ANSWER_BYTES },
          signal,
        );
        const found = flipOf(reply);
        if (!found.ok) return found;
        const { order, serverDate } = found.value;
        // A sandbox that was started with the flag has had its capture. A responder asks for those that were not.
        const body = Buffer.from(JSON.stringify(use === 'background' && config.capture === 'now' ? IDLE : order));
        return { ok: true, value: { state: 'changed', body, etag: undefined, serverDate } };
      },
      dropConnections: () => dropIdle(opened.session),
      close: () => opened.session.agent.destroy(),
    };
  },
};

interface Flip {
  readonly order: object;
  readonly serverDate: string | undefined;
}

/** Of all that the answer holds, three members are looked at, and no other variable. */
function flipOf(reply: Reply<SignedAnswer>): Reply<Flip> {
  if (!reply.ok) return reply;
  const { status, headers, body } = reply.value;
  if (status !== 200)
    return {
      ok: false,
      fault: {
        status,
        code: codeWord(/^[A-Za-z0-9]{1,80}/u.exec(String(headers['x-amzn-errortype']))?.[0]) ?? String(status),
      },
    };
  try {
    const { Environment, LastModified, RevisionId } = JSON.parse(body.toString('utf8')) as Readonly<
      Record<string, unknown>
    >;
    const flag = (Environment as { Variables?: Readonly<Record<string, unknown>> } | null | undefined)?.Variables?.[
      'AMBER_CAPTURE'
    ];
    const issuedMs = Date.parse(String(LastModified));
    if (flag !== 'now') return { ok: true, value: { order: IDLE, serverDate: headers.date } };
    if (typeof RevisionId !== 'string' || Number.isNaN(issuedMs))
      return { ok: false, fault: { code: 'Unreadable', status } };
    const iso = (ms: number): string => new Date(ms).toISOString();
    const order = {
      amber: 1,
      state: 'capture',
      id: RevisionId,
      issued: iso(issuedMs),
      expires: iso(issuedMs + LIFE_MS),
      scope: 'all',
      requester: 'configuration of the function',
      reason: 'AMBER_CAPTURE is now in the current configuration',
    };
    return { ok: true, value: { order, serverDate: headers.date } };
  } catch {
    return { ok: false, fault: { code: 'Unreadable', status } };
  }
}
