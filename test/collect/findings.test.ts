/**
 * Findings in a capture: every one, with what it was judged against, and as OCSF events that hold what the schema
 * requires.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { findings } from '../../src/collect/findings.ts';
import type { Finding, FindingsReport, JsonLinesEntry } from '../../src/contracts/evidence.ts';
import { fileOf, findingsOf, INIT_MS, nowOf, processOf, socketOf } from '../detect/scene.ts';
import { missing } from '../peers.ts';
import { faultsOf } from './ocsf-schema.ts';
import { drain, makeContext } from './context.ts';

const FOUND: readonly Finding[] = findingsOf({
  now: nowOf({ processes: [processOf({ exe: '/tmp/tool' })], sockets: [socketOf({ remoteAddress: '203.0.113.7' })] }),
});
const REPORT: FindingsReport = {
  by: 'process',
  findings: FOUND,
  threshold: 'high',
  baselineMs: 1_800_000_000_000,
  failed: {},
  left: [],
};

async function rowsOf(report: FindingsReport | undefined): Promise<Map<string, readonly unknown[]>> {
  const scene = {
    ...makeContext({}),
    env: { AWS_LAMBDA_FUNCTION_NAME: 'checkout', AWS_REGION: 'eu-central-1' },
    ...(report === undefined ? {} : { findings: () => Promise.resolve(report) }),
  };
  const drained = await drain(findings, scene);
  return new Map(
    drained.map(({ entry }) => [entry.path, entry.kind === 'jsonl' ? (entry satisfies JsonLinesEntry).rows : []]),
  );
}

describe('findings', () => {
  test('are stored whole, behind a row that says what they were judged against', async () => {
    const rows = (await rowsOf(REPORT)).get('live_response/findings.jsonl') ?? [];
    assert.deepEqual(rows[0], {
      look: {
        schema: 1,
        by: 'process',
        threshold: 'high',
        baseline: '2027-01-15T08:00:00.000Z',
        findings: FOUND.length,
        failed: {},
        left: [],
      },
    });
    assert.deepEqual(rows.slice(1), FOUND);
  });

  test('of which there are none, say so; and where nobody has looked, that is said', async () => {
    const none = await rowsOf({ ...REPORT, findings: [] });
    assert.equal(none.get('live_response/findings.jsonl')?.length, 1);
    assert.deepEqual(none.get('live_response/findings-ocsf.jsonl'), []);
    const [absent] = await drain(findings, makeContext({}));
    assert.equal(absent?.entry.kind, 'absent');
  });
});

type Json = Readonly<Record<string, unknown>>;

describe('OCSF', () => {
  test('every event is valid by the published schema of the version that it declares, and holds nothing that this does not name', async () => {
    const events = (await rowsOf(REPORT)).get('live_response/findings-ocsf.jsonl') as readonly Json[];
    assert.equal(events.length, FOUND.length);
    for (const event of events) {
      assert.deepEqual(faultsOf(event), []);
      assert.equal(event['type_uid'], Number(event['class_uid']) * 100 + Number(event['activity_id']));
    }
  });

  test('says when the thing began, beside when it was told', async () => {
    const now = nowOf({
      processes: [processOf({ exe: '/tmp/tool', startMs: INIT_MS - 120_000 })],
      files: [fileOf({ path: '/tmp/born', magic: 'elf', bornMs: INIT_MS + 1000 })],
      extensions: ['sneak'],
    });
    const events = (await rowsOf({ ...REPORT, findings: findingsOf({ now }) })).get(
      'live_response/findings-ocsf.jsonl',
    ) as readonly Json[];
    const seen = new Map<string, unknown>();
    for (const event of events) {
      assert.deepEqual(faultsOf(event), []);
      const info = event['finding_info'] as Json;
      assert.equal(info['created_time'], event['time']);
      const [evidence] = event['evidences'] as readonly { process?: Json }[];
      seen.set((info['analytic'] as { uid: string }).uid, [
        info['first_seen_time'],
        evidence?.process?.['created_time'],
      ]);
    }
    assert.deepEqual(seen.get('staged-executable'), [INIT_MS - 120_000, INIT_MS - 120_000]);
    assert.deepEqual(seen.get('staged-file'), [INIT_MS + 1000, undefined]);
    assert.deepEqual(seen.get('unknown-extension'), [undefined, undefined]);
  });

  test('what the schema does not permit is found', async () => {
    const [event] = (await rowsOf(REPORT)).get('live_response/findings-ocsf.jsonl') as readonly Json[];
    assert.ok(event !== undefined);
    const untimed = Object.fromEntries(Object.entries(event).filter(([name]) => name !== 'time'));
    const wrong: readonly Json[] = [
      { ...event, surprise: 1 },
      { ...event, severity_id: 7 },
      untimed,
      { ...event, message: 7 },
      { ...event, evidences: {} },
      { ...event, evidences: [{}] },
      { ...event, metadata: { version: '1.3.0', product: {} } },
      { ...event, finding_info: { title: 'x' } },
    ];
    for (const one of wrong) assert.notDeepEqual(faultsOf(one), []);
  });

  test('py-ocsf-models takes every event', async (t) => {
    const python = resolve('test/peers/venv/bin/python3');
    if (!existsSync(python) || spawnSync(python, ['-c', 'import py_ocsf_models']).status !== 0)
      return void missing(t, 'py-ocsf-models in test/peers/venv (see .ci/run)');
    const events = (await rowsOf(REPORT)).get('live_response/findings-ocsf.jsonl');
    const read =
      'import json, sys\nfrom py_ocsf_models.events.findings.detection_finding import DetectionFinding\nfor event in json.load(sys.stdin): print(DetectionFinding(**event).finding_info.uid)';
    const { status, stdout, stderr } = spawnSync(python, ['-c', read], {
      input: JSON.stringify(events),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim().split('\n').length, FOUND.length);
  });

  test('ids and captions say the same, and the technique stands where readers look for it', async () => {
    const events = (await rowsOf(REPORT)).get('live_response/findings-ocsf.jsonl') as readonly Json[];
    for (const [index, event] of events.entries()) {
      const finding = FOUND[index];
      assert.equal(event['severity_id'], { low: 2, medium: 3, high: 4, critical: 5 }[finding?.severity ?? 'low']);
      assert.equal(String(event['severity']).toLowerCase(), finding?.severity);
      const [attack] = (
        event['finding_info'] as {
          attacks: readonly { version: string; technique: { uid: string }; sub_technique?: { uid: string } }[];
        }
      ).attacks;
      // objects/attack.json: at least one of tactic, technique, sub_technique.
      assert.equal(attack?.version, '19');
      assert.equal(attack.sub_technique?.uid ?? attack.technique.uid, finding?.technique.id);
      assert.ok(finding?.technique.id.startsWith(attack.technique.uid));
      const [evidence] = event['evidences'] as readonly Json[];
      assert.ok(
        evidence?.['data'] !== undefined || evidence?.['process'] !== undefined,
        'objects/evidences.json asks for one of these',
      );
    }
    assert.equal(new Set(events.map((event) => (event['finding_info'] as Json)['uid'])).size, events.length);
  });
});
