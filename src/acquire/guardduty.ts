import type { GuardDuty } from '@aws-sdk/client-guardduty';
import type { Entry } from '../contracts/evidence.ts';
import { everyItem, plain } from './ask.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { absentEntry } from './error-class.ts';

/** GetFindings takes at most this many ids. */
const BATCH = 50;
/** Findings that one collection takes. */
const MAX_FINDINGS = 5000;

/** GuardDuty findings on the function, and on the access keys that its sandboxes had. */
export const guardduty: Source = {
  name: 'guardduty',
  description: 'GuardDuty findings of the window on the function and on access keys found in captures.',
  lane: 'trail',
  actions: ['guardduty:ListDetectors', 'guardduty:ListFindings', 'guardduty:GetFindings'],
  acquire,
};

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  const guard = await context.aws.guardduty();
  const asked = { path: 'guardduty/findings.jsonl', call: 'guardduty:ListDetectors' };
  if (context.ledger.done(asked.path)) return;
  try {
    const detectors = await everyItem(
      (NextToken) => guard.listDetectors({ NextToken }),
      (page) => page.NextToken,
      (page) => page.DetectorIds,
    );
    const rows: unknown[] = [];
    for (const DetectorId of detectors) {
      const ids = await findingIds(guard, DetectorId, target);
      for (let at = 0; at < Math.min(ids.length, MAX_FINDINGS); at += BATCH) {
        const { Findings } = await guard.getFindings({ DetectorId, FindingIds: ids.slice(at, at + BATCH) });
        rows.push(...(Findings ?? []).map(plain));
      }
    }
    yield {
      kind: 'jsonl',
      path: asked.path,
      source: 'guardduty:GetFindings',
      method: 'api',
      rows,
      notes: () => ({ detectors: detectors.length }),
    };
  } catch (error) {
    yield absentEntry(asked, error);
  }
}

async function findingIds(guard: GuardDuty, DetectorId: string, target: Target): Promise<string[]> {
  const window = { updatedAt: { GreaterThanOrEqual: target.sinceMs, LessThanOrEqual: target.untilMs } };
  const wanted: Record<string, string[]>[] = [{ 'resource.lambdaDetails.functionName': [target.functionName] }];
  if (target.accessKeyIds.length > 0)
    wanted.push({ 'resource.accessKeyDetails.accessKeyId': target.accessKeyIds.slice(0, BATCH) });
  const ids = new Set<string>();
  for (const about of wanted) {
    const Criterion = {
      ...window,
      ...Object.fromEntries(Object.entries(about).map(([field, Equals]) => [field, { Equals }])),
    };
    const found = await everyItem(
      (NextToken) => guard.listFindings({ DetectorId, FindingCriteria: { Criterion }, NextToken }),
      (page) => page.NextToken,
      (page) => page.FindingIds,
    );
    for (const id of found) ids.add(id);
  }
  return [...ids];
}
