/**
 * Rules on the tree that no compiler checks: who may import whom, what an idle function loads, what is in a registry.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { COLLECTORS } from '../src/collect/index.ts';
import { COLLECTOR_NAMES, DETECTOR_NAMES, MEMORY_COLLECTORS } from '../src/config/names.ts';
import { DETECTORS } from '../src/detect/index.ts';
import * as api from '../src/index.ts';
import { TRIGGER_NAMES } from '../src/config/names.ts';
import { TRIGGERS } from '../src/trigger/index.ts';
import { VERSION } from '../src/version.ts';
import { FLOORS, HOST_OF_STAGES, ROOMS_OF, ROOT, SDK_TYPES, SDK_VALUES, SHARED_BY_HOST, SIBLINGS } from './rooms.ts';

const sources = globSync('src/**/*.ts')
  .filter((path) => !path.endsWith('.d.ts'))
  .sort();

/** The room that a file lies in; for files of src itself their own name. */
const room = (path: string): string => path.split('/')[1]?.replace(/\.ts$/u, '') ?? '';
const floor = (name: string): number => FLOORS.findIndex((rooms) => rooms.includes(name));

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

describe('imports go one way', () => {
  let result: ICruiseResult;
  let edges: readonly Edge[];

  before(async () => {
    const { output } = await cruise(['src'], {
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      tsConfig: { fileName: 'tsconfig.json' },
      validate: true,
      ruleSet: { forbidden: [{ name: 'cycle', severity: 'error', from: {}, to: { circular: true } }] },
    });
    if (typeof output === 'string') assert.fail(output);
    result = output;
    edges = output.modules.flatMap(({ source, dependencies }) =>
      dependencies.map(({ resolved, module, coreModule, dependencyTypes }) => ({
        from: source,
        to: coreModule ? `node:${resolved}` : module.startsWith('.') ? resolved : module,
        typeOnly: dependencyTypes.includes('type-only'),
      })),
    );
  });

  /** Imports of a file in src by another one. */
  const within = (): Edge[] => edges.filter(({ from, to }) => from.startsWith('src/') && to.startsWith('src/'));

  test('every file was read', () => {
    const read = result.modules
      .map(({ source }) => source)
      .filter((path) => path.startsWith('src/') && !path.endsWith('.d.ts'));
    assert.deepEqual(read.sort(), sources);
    assert.ok(within().length > sources.length);
  });

  test('none goes round in a circle, types included', () => {
    assert.deepEqual(
      result.summary.violations.map(({ from, cycle }) => [from, ...(cycle ?? []).map(({ name }) => name)].join(' -> ')),
      [],
    );
  });

  test('a room imports from the floors below', () => {
    const wrong = within().filter(({ from, to }) => {
      const [own, other] = [room(from), room(to)];
      if (own === other || SIBLINGS.some(([one, next]) => one === own && next === other)) return false;
      return floor(other) >= floor(own);
    });
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  test('a host takes of stages what it needs to idle, and nothing else', () => {
    const stages = FLOORS.find((rooms) => rooms.includes('ship')) ?? [];
    const taken = new Set(
      within()
        .filter(({ from, to }) => room(from) === 'host' && stages.includes(room(to)))
        .map(({ from, to }) => `${from.slice(4)} -> ${to.slice(4)}`),
    );
    assert.deepEqual([...taken].sort(), [...HOST_OF_STAGES].sort());
  });

  test('contracts import nothing but each other and the error', () => {
    const wrong = edges.filter(
      ({ from, to }) => room(from) === 'contracts' && !/^src\/contracts\/|^src\/errors\.ts$|^node:/u.test(to),
    );
    assert.deepEqual(wrong, []);
  });

  test('contracts hold no code', () => {
    for (const path of globSync('src/contracts/*.ts')) {
      assert.doesNotMatch(
        readFileSync(path, 'utf8'),
        /^(?:export )?(?:const|let|function|class|import (?!type))/mu,
        path,
      );
    }
  });

  test('the SDK is where requests are made', () => {
    const sdk = edges.filter(({ to }) => /^@(?:aws-sdk|smithy)\//u.test(to));
    assert.ok(sdk.length > 0);
    const wrong = sdk.filter(({ from, typeOnly }) => !(typeOnly ? SDK_TYPES : SDK_VALUES).includes(room(from)));
    assert.deepEqual(
      wrong.map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });
});

describe('rooms', () => {
  test('are known, each with its floor', () => {
    const unknown = sources.filter((path) => path.split('/').length > 2 && floor(room(path)) < 0);
    assert.deepEqual(unknown, []);
  });

  test('hold everything but the public API and what stands below all of them', () => {
    assert.deepEqual(
      sources.filter((path) => path.split('/').length === 2),
      [...ROOT],
    );
  });

  for (const [name, rooms] of Object.entries(ROOMS_OF)) {
    test(`${name} is divided as it is written here`, () => {
      const shared = name === 'host' ? SHARED_BY_HOST : [];
      const unknown = sources.filter((path) => room(path) === name && !rooms.includes(path.split('/')[2] ?? ''));
      assert.deepEqual(
        unknown.map((path) => path.slice(`src/${name}/`.length)),
        [...shared],
      );
    });
  }
});

describe('names tell what a file does', () => {
  test('nothing is called utils, helpers, manager or common', () => {
    const all = [...sources, ...globSync('{test,layer,examples}/**/*.ts', { exclude: ['**/node_modules/**'] })];
    assert.deepEqual(
      all.filter((path) => /(?:^|\/)(?:utils?|helpers?|manager|common)(?:\.|\/)/u.test(path)),
      [],
    );
  });

  test('a limit is called MAX_, not MOST_', () => {
    const named = sources.filter((path) => /\bMOST(?:_\w+)?\b/u.test(readFileSync(path, 'utf8')));
    assert.deepEqual(named, []);
  });
});

describe('registries', () => {
  test('the configuration knows the names of the collectors', () => {
    assert.deepEqual([...COLLECTOR_NAMES].sort(), COLLECTORS.map((one) => one.name).sort());
    assert.deepEqual(
      [...MEMORY_COLLECTORS].sort(),
      COLLECTORS.filter((one) => one.needsRecipient)
        .map((one) => one.name)
        .sort(),
    );
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
    assert.deepEqual(
      order,
      [...order].sort((one, other) => one - other),
    );
    assert.equal(new Set(COLLECTORS.map((one) => one.name)).size, COLLECTORS.length);
    for (const one of COLLECTORS) assert.ok(one.description.length > 10 && !one.description.includes('\n'), one.name);
  });

  for (const [folder, type] of [
    ['acquire', 'Source'],
    ['doctor', 'DoctorCheck'],
    ['hunt', 'Hunt'],
    ['collect', 'Collector'],
    ['detect', 'Detector'],
    ['trigger', 'Trigger'],
    ['ship', 'DestinationProvider'],
    ['ship/channels', 'ChannelProvider'],
  ] as const) {
    test(`every ${type} in src/${folder} is in its registry`, () => {
      const registry = readFileSync(`src/${folder}/index.ts`, 'utf8');
      for (const path of globSync(`src/${folder}/*.ts`)) {
        for (const match of readFileSync(path, 'utf8').matchAll(
          new RegExp(`^export const (\\w+): ${type} = `, 'gmu'),
        )) {
          assert.match(registry, new RegExp(`\\b${match[1]}\\b`, 'u'), `${path} is not registered`);
        }
      }
    });
  }
});

describe('the public API', () => {
  test('is these values and no more than twelve', () => {
    assert.deepEqual(Object.keys(api).sort(), [
      'AmberError',
      'VERSION',
      'amberMiddleware',
      'capture',
      'isAmberError',
      'withCapture',
    ]);
  });

  test('has the version of the package', () => {
    assert.equal(VERSION, (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version);
  });
});
