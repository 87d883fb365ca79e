/** `manifest.json` as anybody may have written it: taken only if it has the form of one. */
import { FORMAT, type CaptureManifest } from '../../seal/commit.ts';
import { nameTwice, parseJson, type JsonLimits } from '../tar/bounded-json.ts';

const SHA256 = /^[0-9a-f]{64}$/u;
/** The names that a segment may have: never a path. */
const SEGMENT_NAME = /^capture-(\d{4,9})(?:-[0-9a-f]{8})?\.tar(?:\.zst|\.gz)?(?:\.age)?$/u;

/** 10,000 segments with their receipts are 200,000 values. */
const LIMITS: JsonLimits = { depth: 16, values: 1_000_000 };

type Json = Readonly<Record<string, unknown>>;

/** The commit marker, or what is wrong with it, in words. */
export function parseManifest(body: Uint8Array): CaptureManifest | string {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const value = parseJson(text, LIMITS);
  if (value === undefined) return 'it is not JSON, or has more in it than Amber writes';
  if (!isObject(value)) return 'it is no JSON object';
  const twice = nameTwice(text);
  if (twice !== undefined) return `it has ${JSON.stringify(twice.slice(0, 100))} twice in one object`;
  if (value['format'] !== FORMAT) return otherFormat(value['format']);
  const wrong = badField(value) ?? badSegment(value['segments']) ?? otherSeal(value);
  return wrong ?? (value as unknown as CaptureManifest);
}

function otherFormat(format: unknown): string {
  const told = `its format is ${JSON.stringify(format ?? null).slice(0, 100)}, this version reads ${FORMAT}`;
  const [, number] = /^amber-capture\/(\d{1,6})$/u.exec(typeof format === 'string' ? format : '') ?? [];
  return number === undefined ? told : `${told}: a newer amber reads it, and \`salvage\` what is in the segments`;
}

function badField(value: Json): string | undefined {
  const { captureId, state, compression, recipient, tarball, chain, cause, clocks } = value;
  const checks: Readonly<Record<string, boolean>> = {
    schema: value['schema'] === undefined || isCount(value['schema']),
    captureId: typeof captureId === 'string' && /^[\w-]{1,64}$/u.test(captureId),
    state: state === 'whole' || state === 'cut',
    compression: compression === 'zstd' || compression === 'gzip' || compression === 'none',
    recipient: recipient === null || typeof recipient === 'string',
    tarball:
      isObject(tarball) &&
      (tarball['sha256'] === null || isDigest(tarball['sha256'])) &&
      isCount(tarball['bytes']) &&
      isCount(tarball['tarBytes']),
    chain: isObject(chain) && (chain['head'] === null || isDigest(chain['head'])) && isCount(chain['parts']),
    cause: isObject(cause) && typeof cause['trigger'] === 'string' && typeof cause['reason'] === 'string',
    clocks: isObject(clocks) && typeof clocks['started'] === 'string',
    identity: isObject(value['identity']),
    tool: isObject(value['tool']),
    outcomes: isCounts(value['outcomes']),
    collectors: isObject(value['collectors']) && Object.values(value['collectors']).every(isCounts),
    exceptions: Array.isArray(value['exceptions']) && value['exceptions'].every(isObject),
    redactions: isCount(value['redactions']),
    cost: isObject(value['cost']),
    limits: isObject(value['limits']),
  };
  const bad = Object.keys(checks).find((key) => checks[key] === false);
  return bad === undefined ? undefined : `its field ${bad} is not what it should be`;
}

function badSegment(segments: unknown): string | undefined {
  if (!Array.isArray(segments)) return 'it names no segments';
  let offset = 0;
  let before = -1;
  for (const segment of segments as readonly unknown[]) {
    if (!isObject(segment) || !fitsSegment(segment)) return 'one of its segments is not described as it should be';
    const number = Number(segment['number']);
    if (number <= before) return `its segment ${number} stands behind segment ${before}`;
    if (number === before + 1 && segment['tarOffset'] !== offset)
      return `its segment ${number} does not begin where the one before it ends`;
    before = number;
    offset = Number(segment['tarOffset']) + Number(segment['tarBytes']);
  }
  return undefined;
}

/** Age files have a suffix of their own: a recipient that was edited does not make one of a plain segment. */
function otherSeal({ recipient, segments }: Json): string | undefined {
  const names = (segments as readonly { readonly name: string }[]).map(({ name }) => name);
  const other = names.find((name) => name.endsWith('.age') === (recipient === null));
  if (other === undefined) return undefined;
  return recipient === null
    ? `it has no recipient, and its segment ${other} has the name of an age file`
    : `it has a recipient, and its segment ${other} has not the name of an age file`;
}

function fitsSegment(segment: Json): boolean {
  const { number, name, sha256, chainHead, continues, receipt } = segment;
  return (
    isCount(number) &&
    typeof name === 'string' &&
    Number(SEGMENT_NAME.exec(name)?.[1]) === number &&
    isDigest(sha256) &&
    (chainHead === null || isDigest(chainHead)) &&
    typeof continues === 'boolean' &&
    isCount(segment['bytes']) &&
    isCount(segment['tarOffset']) &&
    isCount(segment['tarBytes']) &&
    isOneOf(segment['state'], ['stored', 'unknown', 'lost']) &&
    (receipt === undefined || isObject(receipt))
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isOneOf = (value: unknown, words: readonly string[]): boolean =>
  typeof value === 'string' && words.includes(value);
const isDigest = (value: unknown): boolean => typeof value === 'string' && SHA256.test(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isCounts = (value: unknown): boolean => isObject(value) && Object.values(value).every(isCount);
