/** Rules on the tree that no compiler checks: who may import whom, what an idle function loads, what is in a registry. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { COLLECTORS } from '../src/collect/index.ts';
import { COLLECTOR_NAMES, DETECTOR_NAMES, MEMORY_COLLECTORS, TRIGGER_NAMES } from '../src/config/names.ts';
import { DETECTORS } from '../src/detect/index.ts';
import * as api from '../src/index.ts';
import { TRIGGERS } from '../src/trigger/index.ts';
import { VERSION } from '../src/version.ts';

const FOUNDATIONS = ['proc', 'fs', 'lambda', 'secrets'];
const STAGES = ['trigger', 'detect', 'collect', 'archive', 'seal', 'ship', 'report', 'acquire'];
const sources = globSync('src/**/*.ts').filter((path) => !path.endsWith('.d.ts')).sort();

/** The folder below src that a file lies in; '' for files of src itself (contracts, config, errors, recipes). */
const area = (path: string): string => path.split('/').length > 2 ? (path.split('/')[1] ?? '') : '';

function imports(path: string): { readonly target: string; readonly specifier: string }[] {
  const text = readFileSync(path, 'utf8');
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/gu)].map((match) => match[1] ?? '');
  return found.map((specifier) => ({ specifier, target: specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier }));
}

describe('imports go one way', () => {
  for (const path of sources) {
    test(path, () => {
      const from = area(path);
      for (const { target, specifier } of imports(path)) {
        if (!specifier.startsWith('.')) {
          if (specifier.startsWith('@aws-sdk/') || specifier.startsWith('@smithy/')) assert.ok(['ship', 'acquire'].includes(from), `${path} imports ${specifier}`);
          continue;
        }
        const to = area(target);
        if (FOUNDATIONS.includes(from)) assert.ok(to === '' || FOUNDATIONS.includes(to), `foundation ${path} imports ${target}`);
        if (STAGES.includes(from)) assert.ok(to === '' || to === from || FOUNDATIONS.includes(to), `stage ${path} imports ${target}`);
        if (from === 'case') assert.ok(to !== 'cli' && to !== 'host', `${path} imports ${target}`);
        if (from !== 'cli') assert.ok(to !== 'cli', `${path} imports ${target}`);
      }
    });
  }

  test('contracts hold no code', () => {
    for (const path of ['src/contracts/evidence.ts', 'src/contracts/detect.ts', 'src/contracts/store.ts']) {
      assert.doesNotMatch(readFileSync(path, 'utf8'), /^(?:export )?(?:const|let|function|class|import (?!type))/mu);
    }
  });
});

describe('names tell what a file does', () => {
  test('nothing is called utils, helpers, manager or common', () => {
    const all = [...sources, ...globSync('{test,layer,examples}/**/*.ts', { exclude: ['**/node_modules/**'] })];
    assert.deepEqual(all.filter((path) => /(?:^|\/)(?:utils?|helpers?|manager|common)(?:\.|\/)/u.test(path)), []);
  });
});

describe('registries', () => {
  test('the configuration knows the names of the collectors', () => {
    assert.deepEqual([...COLLECTOR_NAMES].sort(), COLLECTORS.map((one) => one.name).sort());
    assert.deepEqual([...MEMORY_COLLECTORS].sort(), COLLECTORS.filter((one) => one.needsRecipient).map((one) => one.name).sort());
  });

  test('the configuration knows the names of the detectors', () => {
    assert.deepEqual([...DETECTOR_NAMES].sort(), DETECTORS.map((one) => one.name).sort());
  });

  test('the configuration knows the names of the triggers, and that of a collection', () => {
    assert.deepEqual([...TRIGGER_NAMES].sort(), [...TRIGGERS.map((one) => one.name), 'collect'].sort());
  });

  test('every detector names a technique, what it costs, where it runs and what looks alike', () => {
    assert.equal(new Set(DETECTORS.map((one) => one.name)).size, DETECTORS.length);
    for (const one of DETECTORS) {
      assert.match(one.technique.id, /^T\d{4}(?:\.\d{3})?$/u, one.name);
      assert.ok(one.description.length > 10 && one.benign.length > 0 && one.runs.length > 0, one.name);
    }
  });

  test('collectors stand in the order of volatility, with names and descriptions of their own', () => {
    const tiers = ['volatile', 'recovered', 'files', 'code', 'memory'];
    const order = COLLECTORS.map((one) => tiers.indexOf(one.tier));
    assert.deepEqual(order, [...order].sort((one, other) => one - other));
    assert.equal(new Set(COLLECTORS.map((one) => one.name)).size, COLLECTORS.length);
    for (const one of COLLECTORS) assert.ok(one.description.length > 10 && !one.description.includes('\n'), one.name);
  });

  for (const [folder, type] of [['acquire', 'Source'], ['acquire/doctor', 'DoctorCheck'], ['acquire/hunts', 'Hunt'], ['collect', 'Collector'], ['detect', 'Detector'], ['trigger', 'Trigger'], ['ship', 'DestinationProvider'], ['ship/channels', 'ChannelProvider']] as const) {
    test(`every ${type} in src/${folder} is in its registry`, () => {
      const registry = readFileSync(`src/${folder}/index.ts`, 'utf8');
      for (const path of globSync(`src/${folder}/*.ts`)) {
        for (const match of readFileSync(path, 'utf8').matchAll(new RegExp(`^export const (\\w+): ${type} = `, 'gmu'))) {
          assert.match(registry, new RegExp(`\\b${match[1]}\\b`, 'u'), `${path} is not registered`);
        }
      }
    });
  }
});

describe('the public API', () => {
  test('is these values and no more than twelve', () => {
    assert.deepEqual(Object.keys(api).sort(), ['AmberError', 'VERSION', 'amberMiddleware', 'capture', 'isAmberError', 'withCapture']);
  });

  test('has the version of the package', () => {
    assert.equal(VERSION, (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version);
  });
});
