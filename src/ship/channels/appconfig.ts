/**
 * The control object as an AppConfig configuration. A session is started once; each read gives the token of the next
 * one and a body only when the configuration has changed ("AWS AppConfig Data", API Reference).
 */
import { codeWord } from '../code-word.ts';
import type { Fetched } from '../conditional-get.ts';
import type { Fault, Reply } from '../faults.ts';
import { signedRequest, type SignedAnswer } from '../signed-request.ts';
import {
  dropIdle,
  openChannelSession,
  regionOf,
  serviceOrigin,
  type ChannelProvider,
  type ChannelSession,
} from './channel.ts';

const ANSWER_BYTES = 16 * 1024;
/** The least that the service takes. */
const LEAST_POLL_SECONDS = 15;

export const appconfigChannel: ChannelProvider = {
  name: 'appconfig',
  protocol: 'appconfig:',
  description:
    'A configuration, `appconfig:APPLICATION/ENVIRONMENT/PROFILE`. Needs appconfig:StartConfigurationSession ' +
    'and appconfig:GetLatestConfiguration; read every 15 s at most.',
  open: async (location, config, env, use) => {
    const [application = '', environment = '', profile = ''] = location.slice('appconfig:'.length).split('/');
    const region = regionOf(config, env);
    const opened = await openChannelSession(
      serviceOrigin('appconfigdata', 'AWS_ENDPOINT_URL_APPCONFIGDATA', region, env),
      region,
      env,
      use,
      { service: 'appconfig' },
    );
    const place: Place = {
      opened,
      session: {
        ApplicationIdentifier: application,
        EnvironmentIdentifier: environment,
        ConfigurationProfileIdentifier: profile,
      },
      token: undefined,
      nextMs: 0,
    };
    return {
      location,
      read: async (maxBytes, signal, { quiet = false }: { readonly quiet?: boolean } = {}) => {
        opened.setQuiet({ quiet });
        if (place.token !== undefined && Date.now() < place.nextMs) return { ok: true, value: { state: 'unchanged' } };
        const started = place.token === undefined ? await start(place, signal) : undefined;
        return started ?? latest(place, maxBytes, signal);
      },
      dropConnections: () => dropIdle(opened.session),
      close: () => opened.session.agent.destroy(),
    };
  },
};

interface Place {
  readonly opened: ChannelSession;
  readonly session: Readonly<Record<string, string>>;
  token: string | undefined;
  nextMs: number;
}

/** A fault, or undefined: the token is there. */
async function start(
  place: Place,
  signal: AbortSignal,
): Promise<{ readonly ok: false; readonly fault: Fault } | undefined> {
  const body = Buffer.from(
    JSON.stringify({ ...place.session, RequiredMinimumPollIntervalInSeconds: LEAST_POLL_SECONDS }),
  );
  const { hash } = process.getBuiltinModule('node:crypto');
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const reply = await signedRequest(
    place.opened.session,
    {
      method: 'POST',
      key: 'configurationsessions',
      headers,
      sha256: hash('sha256', body, 'hex'),
      body: [body],
      maxAnswerBytes: ANSWER_BYTES,
    },
    signal,
  );
  if (!reply.ok) return reply;
  if (reply.value.status !== 201 && reply.value.status !== 200) return { ok: false, fault: faultOf(reply.value) };
  place.token = /"InitialConfigurationToken"\s*:\s*"([\w+/=.-]{1,4096})"/u.exec(reply.value.body.toString('utf8'))?.[1];
  return place.token === undefined
    ? { ok: false, fault: { code: 'Unreadable', status: reply.value.status } }
    : undefined;
}

async function latest(place: Place, maxBytes: number, signal: AbortSignal): Promise<Reply<Fetched>> {
  const { hash } = process.getBuiltinModule('node:crypto');
  const key = `configuration?configuration_token=${encodeURIComponent(place.token ?? '')}`;
  const reply = await signedRequest(
    place.opened.session,
    { method: 'GET', key, headers: {}, sha256: hash('sha256', '', 'hex'), body: [], maxAnswerBytes: maxBytes },
    signal,
  );
  // A token serves once; whether the service took this one is not known when no answer came.
  place.token = undefined;
  if (!reply.ok) return reply;
  const { status, headers, body } = reply.value;
  if (status !== 200 && status !== 204) return { ok: false, fault: faultOf(reply.value) };
  place.token = one(headers['next-poll-configuration-token']);
  place.nextMs = Date.now() + 1000 * Number(one(headers['next-poll-interval-in-seconds']) ?? LEAST_POLL_SECONDS);
  if (body.length === 0) return { ok: true, value: { state: 'unchanged' } };
  return { ok: true, value: { state: 'changed', body, etag: one(headers['version-label']), serverDate: headers.date } };
}

const one = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0];

function faultOf({ status, headers }: SignedAnswer): Fault {
  const code = codeWord(/^[A-Za-z0-9]{1,80}/u.exec(one(headers['x-amzn-errortype']) ?? '')?.[0]);
  return { status, code: code ?? String(status) };
}
