import type { FunctionConfiguration, GetFunctionCommandOutput, Lambda } from '@aws-sdk/client-lambda';
import type { Entry } from '../contracts/evidence.ts';
import { ahead, jsonEntry } from './ask.ts';
import { begin, codeEntries, type Begun, type CodeItem } from './code.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { bareLink, fromLink, type Opener } from './download.ts';
import { absentEntry } from './error-class.ts';
import { fromObject } from './object.ts';
import { component } from './paths.ts';

/** Versions whose code is on its way at a time: enough for the quota to be the limit, not the round trip. */
const WIDTH = 8;

/** Code and configuration of `$LATEST` and of every version, each with its digests. */
export const versions: Source = {
  name: 'versions',
  description: 'Configuration and code of $LATEST and every version, with CodeSha256, ConfigSha256 and RevisionId.',
  lane: 'control-plane',
  actions: [
    'lambda:GetFunctionConfiguration',
    'lambda:ListVersionsByFunction',
    'lambda:GetFunction',
    's3:GetObjectVersion',
  ],
  acquire,
};

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  for (const gap of target.gaps)
    yield absentEntry({ path: gap.path, call: `${gap.action} ${target.askedAs}` }, gap.error);
  const open = target.versions.filter((version) => !isDone(context, version));
  context.meter.plan(open.length);
  const lambda = await context.aws.lambda();
  for await (const one of ahead(open, WIDTH, (version) => look(lambda, target, version, context))) {
    yield* entriesOf(one, target, context);
    context.meter.step();
  }
}

function isDone({ ledger }: AcquireContext, version: FunctionConfiguration): boolean {
  return (
    ledger.done(pathOf(version, 'configuration.json')) &&
    (ledger.done(pathOf(version, 'code.json')) || version.PackageType === 'Image')
  );
}

function pathOf({ Version = 'unknown' }: FunctionConfiguration, name: string): string {
  return `control_plane/function/${component(Version)}/${name}`;
}

/** What GetFunction said of a version, with its download begun: the link is good for minutes only. */
interface Look {
  readonly listed: FunctionConfiguration;
  readonly answer?: GetFunctionCommandOutput;
  readonly configSha256?: string | undefined;
  readonly begun?: Begun | undefined;
  readonly error?: unknown;
}

async function look(
  lambda: Lambda,
  target: Target,
  listed: FunctionConfiguration,
  context: AcquireContext,
): Promise<Look> {
  const which = { FunctionName: target.askedAs, Qualifier: listed.Version };
  try {
    const answer = await lambda.getFunction(which);
    const opener = await openerOf(answer, async () => (await lambda.getFunction(which)).Code?.Location, context);
    const begun =
      opener === undefined || context.ledger.done(pathOf(listed, 'code.json'))
        ? undefined
        : await begin(opener, context);
    const configSha256 =
      answer.Configuration?.ConfigSha256 ?? listed.ConfigSha256 ?? (await configDigest(lambda, which));
    return { listed, answer, begun, configSha256 };
  } catch (error) {
    return { listed, error };
  }
}

/** Only some calls tell it. */
async function configDigest(
  lambda: Lambda,
  which: { FunctionName: string; Qualifier: string | undefined },
): Promise<string | undefined> {
  try {
    return (await lambda.getFunctionConfiguration(which)).ConfigSha256;
  } catch {
    return undefined; // the entry says null; everything else of the configuration is there
  }
}

/** Lambda's own link, or the customer's object where Lambda keeps no copy (S3ObjectStorageMode REFERENCE). */
async function openerOf(
  { Code }: GetFunctionCommandOutput,
  renew: () => Promise<string | undefined>,
  context: AcquireContext,
): Promise<Opener | undefined> {
  const first = Code?.Location;
  if (first !== undefined && Code?.RepositoryType !== 'ECR') {
    let used = false;
    const link = async (): Promise<string> => {
      if (!used) {
        used = true;
        return first;
      }
      return (await renew()) ?? first;
    };
    return fromLink(link, context);
  }
  const { S3Bucket, S3Key, S3ObjectVersion } = Code?.ResolvedS3Object ?? {};
  if (S3Bucket === undefined || S3Key === undefined) return undefined;
  return fromObject(await context.aws.s3(), { bucket: S3Bucket, key: S3Key, version: S3ObjectVersion }, context.signal);
}

function* entriesOf(one: Look, target: Target, context: AcquireContext): Generator<Entry> {
  const { listed, answer, begun } = one;
  const version = listed.Version ?? 'unknown';
  const call = `lambda:GetFunction ${target.askedAs}:${version}`;
  if (answer === undefined) {
    // The list has the configuration all the same.
    yield jsonEntry(
      { path: pathOf(listed, 'configuration.json'), call: `lambda:ListVersionsByFunction ${target.askedAs}` },
      { Configuration: listed },
    );
    yield absentEntry({ path: pathOf(listed, 'code.zip'), call }, one.error);
    context.warn(`version ${version}: its code could not be asked for`);
    return;
  }
  yield configurationEntry(one, answer, call, context);
  if (answer.Configuration?.PackageType === 'Image') yield imageEntry(listed, answer, call);
  else if (begun !== undefined) yield* codeEntries(codeItem(listed, answer, call), begun, context);
  else if (!context.ledger.done(pathOf(listed, 'code.json'))) {
    yield {
      kind: 'absent',
      path: pathOf(listed, 'code.zip'),
      source: call,
      method: 'api',
      outcome: 'missing',
      reason: answer.Code?.Error?.Message ?? 'Lambda gave no link to the code',
    };
  }
}

function configurationEntry(
  { listed, configSha256 }: Look,
  { Configuration, Code, Tags, Concurrency }: GetFunctionCommandOutput,
  call: string,
  context: AcquireContext,
): Entry {
  if (Configuration?.RevisionId !== listed.RevisionId)
    context.warn(
      `version ${listed.Version ?? 'unknown'} was changed while it was collected ` +
        `(RevisionId ${String(listed.RevisionId)}, then ${String(Configuration?.RevisionId)})`,
    );
  return jsonEntry(
    { path: pathOf(listed, 'configuration.json'), call },
    {
      digests: {
        CodeSha256: Configuration?.CodeSha256 ?? null,
        ConfigSha256: configSha256 ?? null,
        RevisionId: Configuration?.RevisionId ?? null,
      },
      Configuration,
      Code: { ...Code, Location: bareLink(Code?.Location) },
      Tags,
      Concurrency,
    },
  );
}

function imageEntry(listed: FunctionConfiguration, { Code }: GetFunctionCommandOutput, call: string): Entry {
  const digest = Code?.ResolvedImageUri ?? Code?.ImageUri ?? 'which Lambda did not give';
  return {
    kind: 'absent',
    path: pathOf(listed, 'image'),
    source: call,
    method: 'api',
    outcome: 'skipped',
    byDesign: 'nothing-to-do',
    reason: `a container image: the source images asks the registry for it by digest, ${digest}`,
  };
}

function codeItem(
  listed: FunctionConfiguration,
  { Configuration, Code }: GetFunctionCommandOutput,
  call: string,
): CodeItem {
  const object = Code?.ResolvedS3Object;
  return {
    asked: {
      path: pathOf(listed, 'code.zip'),
      ...(Code?.Location === undefined
        ? { call: `s3:GetObject ${object?.S3Bucket ?? ''}/${object?.S3Key ?? ''}`, action: 's3:GetObjectVersion' }
        : { call }),
    },
    codeSha256: Configuration?.CodeSha256,
    codeSize: Configuration?.CodeSize,
    origin: {
      version: listed.Version ?? 'unknown',
      repository: Code?.RepositoryType,
      location: bareLink(Code?.Location),
      object,
      signingJob: Configuration?.SigningJobArn,
      signingProfile: Configuration?.SigningProfileVersionArn,
    },
  };
}
