import type { FunctionConfiguration, GetLayerVersionCommandOutput, Lambda } from '@aws-sdk/client-lambda';
import type { Entry } from '../contracts/evidence.ts';
import { ahead, ask, jsonEntry } from './ask.ts';
import { begin, codeEntries, type Begun } from './code.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { bareLink, fromLink } from './download.ts';
import { absentEntry, classifyError, withoutFunction } from './error-class.ts';
import { component } from './paths.ts';

const WIDTH = 8;

/** Every layer version that any version of the function loads, also those of other accounts. */
export const layers: Source = {
  name: 'layers',
  description: 'Content, metadata and policy of every layer version that any version of the function loads.',
  lane: 'control-plane',
  actions: ['lambda:GetLayerVersion', 'lambda:GetLayerVersionPolicy'],
  acquire,
};

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  if (target.isAbsent) {
    yield withoutFunction('control_plane/layers', 'layers');
    return;
  }
  const lambda = await context.aws.lambda();
  const users = usersOf(target.versions);
  const open = [...users.keys()].filter((arn) => !context.ledger.done(pathOf(arn, 'layer.json')));
  context.meter.plan(open.length);
  for await (const one of ahead(open, WIDTH, (arn) => look(lambda, arn, context))) {
    yield* entriesOf(one, users.get(one.arn) ?? [], target, context);
    if (!isForeign(one.arn, target)) yield* policyOf(one.arn, lambda, context);
    context.meter.step();
  }
}

/** Layer version ARNs, each with the versions of the function that load it. */
function usersOf(versions: readonly FunctionConfiguration[]): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const { Layers, Version } of versions) {
    for (const { Arn } of Layers ?? [])
      if (Arn !== undefined) users.set(Arn, [...(users.get(Arn) ?? []), Version ?? 'unknown']);
  }
  return users;
}

// arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION
function pathOf(arn: string, name: string): string {
  const [, , , , account = 'unknown', , layer = 'unknown', version = '0'] = arn.split(':');
  return `control_plane/layers/${component(`${account}-${layer}-${version}`)}/${name}`;
}

function isForeign(arn: string, { account }: Target): boolean {
  return arn.split(':')[4] !== account;
}

interface Look {
  readonly arn: string;
  readonly answer?: GetLayerVersionCommandOutput;
  readonly begun?: Begun;
  readonly error?: unknown;
}

async function look(lambda: Lambda, arn: string, context: AcquireContext): Promise<Look> {
  try {
    const answer = await lambda.getLayerVersionByArn({ Arn: arn });
    const first = answer.Content?.Location;
    if (first === undefined) return { arn, answer };
    let used = false;
    const link = async (): Promise<string> => {
      const fresh = used ? (await lambda.getLayerVersionByArn({ Arn: arn })).Content?.Location : first;
      used = true;
      return fresh ?? first;
    };
    return { arn, answer, begun: await begin(fromLink(link, context), context) };
  } catch (error) {
    return { arn, error };
  }
}

function* entriesOf(one: Look, usedBy: readonly string[], target: Target, context: AcquireContext): Generator<Entry> {
  const { arn, answer, begun } = one;
  const foreign = isForeign(arn, target);
  const hint =
    `${foreign ? 'it belongs to another account; ' : ''}what the function loaded of it lies in [root]/opt of a ` +
    'capture';
  const asked = {
    path: pathOf(arn, 'layer.zip'),
    call: `lambda:GetLayerVersionByArn ${arn}`,
    action: 'lambda:GetLayerVersion',
    hint,
    final: foreign,
  };
  if (answer === undefined) {
    yield absentEntry(asked, one.error);
    context.warn(`layer ${arn} of version ${usedBy.join(', ')} could not be read; ${hint}`);
    return;
  }
  const { Content, ...metadata } = answer;
  yield jsonEntry(
    { path: pathOf(arn, 'metadata.json'), call: asked.call },
    { ...metadata, Content: { ...Content, Location: bareLink(Content?.Location) }, usedBy, foreign },
  );
  if (begun === undefined) {
    yield {
      kind: 'absent',
      path: asked.path,
      source: asked.call,
      method: 'api',
      outcome: 'missing',
      reason: `Lambda gave no link to the layer; ${hint}`,
    };
    return;
  }
  yield* codeEntries(
    {
      asked,
      codeSha256: Content?.CodeSha256,
      codeSize: Content?.CodeSize,
      origin: { arn, location: bareLink(Content?.Location) },
    },
    begun,
    context,
  );
}

/** Who else may use the layer. Only its owner may ask, and a layer that is not shared has none. */
async function* policyOf(arn: string, lambda: Lambda, context: AcquireContext): AsyncGenerator<Entry> {
  const cut = arn.lastIndexOf(':');
  const asked = { path: pathOf(arn, 'policy.json'), call: `lambda:GetLayerVersionPolicy ${arn}` };
  yield* ask(context, asked, async () => {
    try {
      return await lambda.getLayerVersionPolicy({
        LayerName: arn.slice(0, cut),
        VersionNumber: Number(arn.slice(cut + 1)),
      });
    } catch (error) {
      if (classifyError(error) === 'missing') return { Policy: null };
      throw error;
    }
  });
}
