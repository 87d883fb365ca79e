/**
 * Refusals that the same request escapes when it is signed anew: the clock of a sandbox that was thawed is wrong, or
 * the bucket is in another region than the function. Nothing that an answer says leads to a host that is not of AWS.
 */
import { isClockFault, isRegionFault, type Fault, type Reply } from './faults.ts';
import type { PutAnswer, PutRequest, S3Settings } from './s3-settings.ts';
import { REGION_NAME, suffixOf } from './s3-settings.ts';
import type { S3Transport } from './s3-transport.ts';

/** What a request is signed for. */
export interface Place {
  readonly region: string;
  /** Undefined: the endpoint of AWS for the region. */
  readonly endpoint: URL | undefined;
  /** The clock of the server minus ours, where ours is known to be wrong. */
  readonly clockMs?: number;
}

/**
 * A put is signed anew so often at the most: once for the region, once for the clock, and once after a freeze in
 * between.
 */
const MAX_CURES = 3;
/**
 * S3 bears 15 minutes ("RequestTimeTooSkewed", Amazon S3 API Reference). With less between the clocks it is not the
 * clock.
 */
const LEAST_SKEW_MS = 60_000;

/** A transport that signs anew where that cures a refusal, by opening another one with what was learned. */
export async function cured(settings: S3Settings, open: (place: Place) => Promise<S3Transport>): Promise<S3Transport> {
  let place: Place = { region: settings.region, endpoint: settings.endpoint };
  const opened = new Set<S3Transport>();
  let closed = false;
  const openAt = async (at: Place): Promise<S3Transport> => {
    const transport = await open(at);
    opened.add(transport);
    if (closed) transport.close();
    return transport;
  };
  let current = Promise.resolve(await openAt(place));
  const put = async (request: PutRequest, signal: AbortSignal): Promise<Reply<PutAnswer>> => {
    for (let cures = 0; ; cures++) {
      const asked = place;
      const reply = await (await current).put(request, signal);
      if (reply.ok || cures === MAX_CURES || signal.aborted) return reply;
      // Another put may have learned it meanwhile.
      const better = place === asked ? cureFor(reply.fault, asked) : place;
      if (better === undefined) return reply;
      if (place === asked) {
        place = better;
        current = openAt(better);
      }
    }
  };
  return {
    put,
    close: () => {
      closed = true;
      for (const transport of opened) transport.close();
    },
  };
}

/** Where and when to sign for after this fault; undefined where that changes nothing. */
export function cureFor(fault: Fault, place: Place, nowMs: number = Date.now()): Place | undefined {
  const clockMs = clockFor(fault, place.clockMs, nowMs);
  if (clockMs !== undefined) return { ...place, clockMs };
  if (!isRegionFault(fault, place.region) || fault.region === undefined || fault.region === place.region)
    return undefined;
  if (!REGION_NAME.test(fault.region) || suffixOf(fault.region) !== suffixOf(place.region)) return undefined;
  return { ...place, region: fault.region, endpoint: endpointIn(fault.region, place) };
}

/** The clock of the server minus ours, where it refuses ours and another one than was signed for. */
export function clockFor(fault: Fault, signedFor: number = 0, nowMs: number = Date.now()): number | undefined {
  const clockMs = isClockFault(fault) ? Date.parse(fault.serverDate ?? '') - nowMs : Number.NaN;
  return Math.abs(clockMs - signedFor) >= LEAST_SKEW_MS ? clockMs : undefined;
}

/** An endpoint of AWS is that of its region; any other one, such as a gateway or a VPC endpoint, stays what it is. */
function endpointIn(region: string, { endpoint, region: before }: Place): URL | undefined {
  const suffix = suffixOf(before);
  const [, start] =
    new RegExp(`^(s3(?:-fips)?(?:\\.dualstack)?)\\.${before}\\.${suffix.replaceAll('.', '\\.')}$`, 'u').exec(
      endpoint?.hostname ?? '',
    ) ?? [];
  if (endpoint === undefined || start === undefined) return endpoint;
  const moved = new URL(endpoint);
  moved.hostname = `${start}.${region}.${suffix}`;
  return moved;
}
