import type { Entry } from '../contracts.ts';
import { jsonEntry } from './ask.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { absentEntry, fateOf } from './faults.ts';
import { component } from './paths.ts';

/** Resource policies: each qualifier has its own, and one of an alias does not show in that of the function. */
export const policies: Source = {
  name: 'policies',
  description: 'Resource policy of the function, of every version and of every alias.',
  lane: 'control-plane',
  actions: ['lambda:GetPolicy'],
  acquire,
};

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  const lambda = await context.aws.lambda();
  const found: Record<string, 'present' | 'none' | 'denied' | 'failed'> = {};
  for (const qualifier of qualifiers(target)) {
    const name = qualifier ?? 'function';
    const asked = { path: `control_plane/policies/${component(name)}.json`, call: `lambda:GetPolicy ${target.functionName}${qualifier === undefined ? '' : `:${qualifier}`}`, policy: true };
    if (context.ledger.done(asked.path)) {
      found[name] = 'present';
      continue;
    }
    try {
      const { Policy, RevisionId } = await lambda.getPolicy({ FunctionName: target.functionName, ...(qualifier === undefined ? {} : { Qualifier: qualifier }) });
      found[name] = 'present';
      yield jsonEntry(asked, { RevisionId, Policy: parsed(Policy) });
    } catch (error) {
      const fate = fateOf(error);
      // Most qualifiers have no policy: the table below says so in one place.
      if (fate === 'missing') found[name] = 'none';
      else {
        yield absentEntry(asked, error);
        found[name] = fate === 'denied' ? 'denied' : 'failed';
      }
    }
  }
  yield jsonEntry({ path: 'control_plane/policies.json', call: `lambda:GetPolicy ${target.functionName}` }, found);
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
