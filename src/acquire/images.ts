import type { ECR } from '@aws-sdk/client-ecr';
import { createHash } from 'node:crypto';
import type { AbsentEntry, Entry } from '../contracts/evidence.ts';
import { AmberError } from '../errors.ts';
import { begin, codeEntries } from './code.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { fromLink } from './download.ts';
import { absentEntry, type Asked } from './error-class.ts';
import { component } from './paths.ts';
import { many } from '../many.ts';

/** Container images by digest: manifest, configuration and layers, as the registry keeps them. */
export const images: Source = {
  name: 'images',
  description: 'Manifest, configuration and layers of the container image of every version, from ECR.',
  lane: 'control-plane',
  actions: ['lambda:GetFunction', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
  acquire,
};

/** Media types of image manifests and of their indexes (OCI image specification, "Media Types"; Docker registry v2). */
const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
/** Blobs of one image. Lambda takes far fewer layers; a manifest that names more is written by somebody else. */
const MAX_BLOBS = 500;
const IMAGE = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z.]+\/([a-z0-9._/-]{2,256})@(sha256:[0-9a-f]{64})$/u;

interface Image {
  readonly uri: string;
  readonly registryId: string;
  readonly region: string;
  readonly repositoryName: string;
  readonly digest: string;
  readonly architecture: string;
}

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  const seen = new Set<string>();
  for (const { PackageType, Version, Architectures } of target.versions) {
    if (PackageType !== 'Image' || Version === undefined) continue;
    const uri = await imageUri(target, Version, context);
    if (typeof uri === 'object') yield uri;
    if (typeof uri !== 'string' || seen.has(uri)) continue;
    seen.add(uri);
    const [, registryId, region, repositoryName, digest] = IMAGE.exec(uri) ?? [];
    if (registryId === undefined || region === undefined || repositoryName === undefined || digest === undefined) {
      yield {
        kind: 'absent',
        path: `control_plane/images/${component(uri)}`,
        source: 'lambda:GetFunction',
        method: 'api',
        outcome: 'skipped',
        reason: `not an image of ECR by digest: ${uri}`,
      };
      continue;
    }
    yield* imageEntries(
      {
        uri,
        registryId,
        region,
        repositoryName,
        digest,
        architecture: Architectures?.[0] === 'arm64' ? 'arm64' : 'amd64',
      },
      context,
    );
  }
}

/** The image by digest, or why it could not be asked for; undefined where Lambda names none. */
async function imageUri(
  target: Target,
  Qualifier: string,
  { aws }: AcquireContext,
): Promise<string | AbsentEntry | undefined> {
  try {
    return (await (await aws.lambda()).getFunction({ FunctionName: target.askedAs, Qualifier })).Code?.ResolvedImageUri;
  } catch (error) {
    const call = `lambda:GetFunction ${target.askedAs}:${Qualifier}`;
    return absentEntry({ path: `control_plane/images/of-version-${component(Qualifier)}`, call }, error);
  }
}

interface Blob {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

async function* imageEntries(image: Image, context: AcquireContext): AsyncGenerator<Entry> {
  const ecr = await context.aws.ecr(image.region);
  const folder = `control_plane/images/${component(image.digest.replace(':', '-'))}`;
  const asked = { path: `${folder}/manifest.json`, call: `ecr:BatchGetImage ${image.uri}` };
  let text: string;
  try {
    text = await manifestOf(ecr, image, image.digest);
    yield rawJson(asked, text);
    const chosen = chosenOf(text, image.architecture);
    if (chosen !== undefined) {
      text = await manifestOf(ecr, image, chosen);
      yield rawJson({ ...asked, path: `${folder}/${component(chosen.replace(':', '-'))}.json` }, text);
    }
  } catch (error) {
    yield absentEntry({ ...asked, hint: `pull it by digest: ${image.uri}` }, error);
    return;
  }
  const blobs = blobsOf(text);
  if (blobs.length > MAX_BLOBS)
    context.warn(`${image.uri} names ${many(blobs.length, 'blob')}, and ${MAX_BLOBS} of them were collected`);
  context.meter.plan(blobs.length);
  for (const blob of blobs.slice(0, MAX_BLOBS)) {
    yield* blobEntries(ecr, image, blob, context);
    context.meter.step();
  }
}

/**
 * The manifest as the registry signs it: its text has the digest, or it is an error. @throws AmberError ACQUIRE_FAILED.
 */
async function manifestOf(ecr: ECR, { registryId, repositoryName }: Image, imageDigest: string): Promise<string> {
  const { images = [], failures = [] } = await ecr.batchGetImage({
    registryId,
    repositoryName,
    imageIds: [{ imageDigest }],
    acceptedMediaTypes: MANIFESTS,
  });
  const text = images[0]?.imageManifest;
  if (text === undefined)
    throw new AmberError(
      'ACQUIRE_FAILED',
      `${failures[0]?.failureCode ?? 'no image'}: ${failures[0]?.failureReason ?? 'the registry gave none'}`,
    );
  const found = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  if (found !== imageDigest)
    throw new AmberError('ACQUIRE_FAILED', `the manifest that the registry gave is ${found}, not ${imageDigest}`);
  return text;
}

function rawJson({ path, call }: Pick<Asked, 'path' | 'call'>, text: string): Entry {
  return { kind: 'bytes', path, source: call, method: 'api', redaction: 'content', body: Buffer.from(text, 'utf8') };
}

/**
 * Of an index: the digest of the manifest for this processor. @returns undefined where the text is a manifest itself.
 */
function chosenOf(text: string, architecture: string): string | undefined {
  const { manifests } = parsed(text);
  if (!Array.isArray(manifests)) return undefined;
  const fitting = (manifests as readonly unknown[])
    .map(recordOf)
    .filter((one) => recordOf(one['platform'])['architecture'] === architecture && isDigest(one['digest']));
  const digest = fitting[0]?.['digest'];
  if (typeof digest === 'string') return digest;
  throw new AmberError('ACQUIRE_FAILED', `the index has no image for ${architecture}`);
}

function blobsOf(text: string): readonly Blob[] {
  const { config, layers } = parsed(text);
  return [config, ...(Array.isArray(layers) ? (layers as readonly unknown[]) : [])]
    .map(recordOf)
    .flatMap(({ digest, size, mediaType }) =>
      isDigest(digest) && typeof size === 'number' ? [{ digest, size, mediaType: String(mediaType) }] : [],
    );
}

async function* blobEntries(
  ecr: ECR,
  { registryId, repositoryName, uri }: Image,
  { digest: layerDigest, size, mediaType }: Blob,
  context: AcquireContext,
): AsyncGenerator<Entry> {
  const path = `control_plane/images/blobs/${component(layerDigest.replace(':', '-'))}`;
  if (context.ledger.done(`${path}.json`)) return;
  const asked = {
    path: `${path}.blob`,
    call: `ecr:GetDownloadUrlForLayer ${layerDigest}`,
    hint: `pull it by digest: ${uri}`,
  };
  const link = async (): Promise<string> =>
    (await ecr.getDownloadUrlForLayer({ registryId, repositoryName, layerDigest })).downloadUrl ?? '';
  const begun = await begin(fromLink(link, context), context);
  const codeSha256 = Buffer.from(layerDigest.slice('sha256:'.length), 'hex').toString('base64');
  yield* codeEntries(
    { asked, codeSha256, codeSize: size, origin: { image: uri, digest: layerDigest, mediaType } },
    begun,
    context,
  );
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  return recordOf(JSON.parse(text));
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/u.test(value);
}
