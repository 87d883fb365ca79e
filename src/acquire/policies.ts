import type { Lambda } from '@aws-sdk/client-lambda';
import type { Entry } from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { ahead, ask, jsonEntry } from './ask.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { absentEntry, classifyError } from './error-class.ts';
import { component } from './paths.ts';

/** Resource policies: each qualifier has its own, and one of an alias does not show in that of the function. */
export const policies: Source = {
  name: 'policies',
  description: 'Resource policy of the function, of every version and of every alias.',
  lane: 'control-plane',
  actions: ['lambda:GetPolicy'],
  acquire,
};

const WIDTH = 4;

type Found = 'present' | 'none' | 'denied' | 'failed';

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  const lambda = await context.aws.lambda();
  if (target.isAbsent) {
    yield* ask(context, { path: 'control_plane/policies.json', call: `lambda:GetPolicy ${target.askedAs}` }, () =>
      lambda.getPolicy({ FunctionName: target.askedAs }),
    );
    return;
  }
  const found: Record<string, Found> = {};
  for await (const { name, state, entry } of ahead(qualifiers(target), WIDTH, (qualifier) =>
    look(lambda, target, qualifier, context),
  )) {
    found[name] = state;
    if (entry !== undefined) yield entry;
  }
  yield jsonEntry({ path: 'control_plane/policies.json', call: `lambda:GetPolicy ${target.askedAs}` }, found);
}

interface Look {
  readonly name: string;
  readonly state: Found;
  readonly entry?: Entry;
}

async function look(
  lambda: Lambda,
  { askedAs }: Target,
  qualifier: string | undefined,
  { ledger }: AcquireContext,
): Promise<Look> {
  const name = qualifier ?? 'function';
  const asked = {
    path: `control_plane/policies/${component(name)}.json`,
    call: `lambda:GetPolicy ${askedAs}${qualifier === undefined ? '' : `:${qualifier}`}`,
  };
  if (ledger.done(asked.path)) return { name, state: 'present' };
  try {
    const { Policy, RevisionId } = await lambda.getPolicy({
      FunctionName: askedAs,
      ...defined({ Qualifier: qualifier }),
    });
    return { name, state: 'present', entry: jsonEntry(asked, { RevisionId, Policy: parsed(Policy) }) };
  } catch (error) {
    const errorClass = classifyError(error);
    // Most qualifiers have no policy: the table says so in one place.
    if (errorClass === 'missing') return { name, state: 'none' };
    return { name, state: errorClass === 'denied' ? 'denied' : 'failed', entry: absentEntry(asked, error) };
  }
}

function qualifiers({ versions, aliases }: Target): (string | undefined)[] {
  const named = [...versions.map((one) => one.Version), ...aliases.map((one) => one.Name)];
  return [undefined, ...named.filter((name) => name !== undefined && name !== '$LATEST')];
}

/** The document as JSON, or as the text that it is. */
function parsed(policy: string | undefined): unknown {
  try {
    return JSON.parse(policy ?? 'null') as unknown;
  } catch {
    return policy;
  }
}
