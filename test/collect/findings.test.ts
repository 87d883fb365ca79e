/** Findings in a capture: every one, with what it was judged against, and as OCSF events that hold what the schema requires. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findings } from '../../src/collect/findings.ts';
import type { Finding, FindingsReport, JsonLinesEntry } from '../../src/contracts.ts';
import { findingsOf, nowOf, processOf, socketOf } from '../detect/scene.ts';
import { drain, makeScene } from './scene.ts';

const FOUND: readonly Finding[] = findingsOf({ now: nowOf({ processes: [processOf({ exe: '/tmp/tool' })], sockets: [socketOf({ remoteAddress: '203.0.113.7' })] }) });
const REPORT: FindingsReport = { by: 'process', findings: FOUND, threshold: 'high', baselineMs: 1_800_000_000_000, failed: {}, left: [] };

async function rowsOf(report: FindingsReport | undefined): Promise<Map<string, readonly unknown[]>> {
  const scene = { ...makeScene({}), env: { AWS_LAMBDA_FUNCTION_NAME: 'checkout', AWS_REGION: 'eu-central-1' }, ...(report === undefined ? {} : { findings: () => Promise.resolve(report) }) };
  const drained = await drain(findings, scene);
  return new Map(drained.map(({ entry }) => [entry.path, entry.kind === 'jsonl' ? (entry satisfies JsonLinesEntry).rows : []]));
}

describe('findings', () => {
  test('are stored whole, behind a row that says what they were judged against', async () => {
    const rows = (await rowsOf(REPORT)).get('live_response/findings.jsonl') ?? [];
    assert.deepEqual(rows[0], { look: { by: 'process', threshold: 'high', baseline: '2027-01-15T08:00:00.000Z', findings: FOUND.length, failed: {}, left: [] } });
    assert.deepEqual(rows.slice(1), FOUND);
  });

  test('of which there are none, say so; and where nobody has looked, that is said', async () => {
    const none = await rowsOf({ ...REPORT, findings: [] });
    assert.equal(none.get('live_response/findings.jsonl')?.length, 1);
    assert.deepEqual(none.get('live_response/findings-ocsf.jsonl'), []);
    const [absent] = await drain(findings, makeScene({}));
    assert.equal(absent?.entry.kind, 'absent');
  });
});

type Json = Readonly<Record<string, unknown>>;

/**
 * What OCSF 1.3.0 requires of a Detection Finding and of the objects in it, from github.com/ocsf/ocsf-schema:
 * events/base_event.json, finding.json and detection_finding.json in events/findings, and metadata, product, finding_info,
 * analytic, attack, technique, cloud and evidences in objects. A word is the type, a list the values.
 */
const REQUIRED: Readonly<Record<string, Readonly<Record<string, 'number' | 'string' | 'object' | readonly unknown[]>>>> = {
  '': { activity_id: [0, 1, 2, 3, 99], category_uid: [2], class_uid: [2004], type_uid: [200401], time: 'number', severity_id: [0, 1, 2, 3, 4, 5, 6, 99], metadata: 'object', finding_info: 'object', cloud: 'object' },
  'metadata': { product: 'object', version: ['1.3.0'] },
  'metadata.product': { vendor_name: 'string', name: 'string' },
  'finding_info': { uid: 'string', title: 'string' },
  'finding_info.analytic': { type_id: [0, 1, 2, 3, 4, 5, 6, 99] },
  'cloud': { provider: 'string' },
};

describe('OCSF', () => {
  test('every event holds what the class and its objects require', async () => {
    const events = (await rowsOf(REPORT)).get('live_response/findings-ocsf.jsonl') as readonly Json[];
    assert.equal(events.length, FOUND.length);
    for (const event of events) {
      for (const [path, attributes] of Object.entries(REQUIRED)) {
        const holder = path === '' ? event : path.split('.').reduce<unknown>((at, key) => (at as Json)[key], event);
        for (const [name, wanted] of Object.entries(attributes)) {
          const value = (holder as Json)[name];
          if (typeof wanted === 'string') assert.equal(typeof value, wanted, `${path}.${name}`);
          else assert.ok(wanted.includes(value), `${path}.${name} is ${JSON.stringify(value)}`);
        }
      }
      assert.equal(event['type_uid'], Number(event['class_uid']) * 100 + Number(event['activity_id']));
    }
  });

  test('ids and captions say the same, and the technique stands where readers look for it', async () => {
    const events = (await rowsOf(REPORT)).get('live_response/findings-ocsf.jsonl') as readonly Json[];
    for (const [index, event] of events.entries()) {
      const finding = FOUND[index];
      assert.equal(event['severity_id'], { low: 2, medium: 3, high: 4, critical: 5 }[finding?.severity ?? 'low']);
      assert.equal(String(event['severity']).toLowerCase(), finding?.severity);
      const [attack] = (event['finding_info'] as { attacks: readonly { version: string; technique: { uid: string }; sub_technique?: { uid: string } }[] }).attacks;
      // objects/attack.json: at least one of tactic, technique, sub_technique.
      assert.equal(attack?.version, '19');
      assert.equal(attack.sub_technique?.uid ?? attack.technique.uid, finding?.technique.id);
      assert.ok(finding?.technique.id.startsWith(attack.technique.uid));
      const [evidence] = event['evidences'] as readonly Json[];
      assert.ok(evidence?.['data'] !== undefined || evidence?.['process'] !== undefined, 'objects/evidences.json asks for one of these');
    }
    assert.equal(new Set(events.map((event) => (event['finding_info'] as Json)['uid'])).size, events.length);
  });
});
