/** The control object in S3: a GET that costs nothing while the object has not changed. */
import { parseBucketUrl, type BucketUrl } from '../../config/destination.ts';
import type { Config } from '../../contracts/evidence.ts';
import { AmberError } from '../../errors.ts';
import { conditionalGet } from '../conditional-get.ts';
import { clockFor } from '../cure.ts';
import { faultFromAnswer } from '../faults.ts';
import { originOf, type S3Settings } from '../s3-settings.ts';
import { signedRequest } from '../signed-request.ts';
import { dropIdle, openChannelSession, regionOf, type ChannelProvider } from './channel.ts';

function placeOf(location: string): BucketUrl {
  const judged = parseBucketUrl(location);
  if (!judged.ok)
    throw new AmberError(
      'CONFIG_INVALID',
      `AMBER_CONTROL is not usable: expected ${judged.expected}; for example ` +
        's3://evidence-bucket/amber-control/orders.json',
    );
  return judged.value;
}

function settingsOf(bucket: string, region: string, { s3PathStyle, s3Endpoint }: Config): S3Settings {
  return {
    bucket,
    prefix: '',
    region,
    pathStyle: s3PathStyle,
    credentials: undefined,
    kmsKey: undefined,
    bucketOwner: undefined,
    endpoint: s3Endpoint === undefined ? undefined : new URL(s3Endpoint),
  };
}

const ANSWER_BYTES = 64 * 1024;

export const s3Channel: ChannelProvider = {
  name: 's3',
  protocol: 's3:',
  description:
    'An object, `s3://BUCKET/KEY`, outside of the prefix that the function may write. Needs s3:GetObject on it.',
  open: async (location, config, env, use) => {
    const { bucket, prefix: key } = placeOf(location);
    const region = config.s3Region ?? regionOf(config, env);
    const settings = settingsOf(bucket, region, config);
    // Somebody else's bucket of the same name must not give orders: where the captures go to it, its owner is known.
    const destination = parseBucketUrl(config.destination ?? '');
    const sameBucket = destination.ok && destination.value.bucket === bucket;
    const headers =
      sameBucket && config.s3BucketOwner !== undefined ? { 'x-amz-expected-bucket-owner': config.s3BucketOwner } : {};
    const { session, setQuiet } = await openChannelSession(originOf(settings), region, env, use, { headers });
    let etag: string | undefined;
    let clockMs: number | undefined;
    const get = (maxBytes: number, signal: AbortSignal): ReturnType<typeof conditionalGet> =>
      conditionalGet(clockMs === undefined ? session : { ...session, clockMs }, key, etag, maxBytes, signal);
    return {
      location,
      read: async (maxBytes, signal, { quiet = false }: { readonly quiet?: boolean } = {}) => {
        setQuiet({ quiet });
        let reply = await get(maxBytes, signal);
        const skew = reply.ok ? undefined : clockFor(reply.fault, clockMs);
        if (skew !== undefined) {
          clockMs = skew;
          reply = await get(maxBytes, signal);
        }
        if (reply.ok && reply.value.state === 'changed') etag = reply.value.etag;
        return reply;
      },
      write: async (body, signal) => {
        const sha256 = process.getBuiltinModule('node:crypto').hash('sha256', body, 'hex');
        const put = { 'content-type': 'application/json', 'content-length': body.length };
        const reply = await signedRequest(
          session,
          { method: 'PUT', key, headers: put, sha256, body: [body], maxAnswerBytes: ANSWER_BYTES },
          signal,
        );
        if (!reply.ok || reply.value.status === 200) return reply;
        return {
          ok: false,
          fault: faultFromAnswer(reply.value.status, reply.value.headers, reply.value.body.toString('utf8')),
        };
      },
      dropConnections: () => dropIdle(session),
      close: () => session.agent.destroy(),
    };
  },
};
