/** What code brings along, judged at wrap time: collectors, destinations, and the options as a whole. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { COLLECTOR_NAMES, TRIGGER_NAMES } from '../../src/config/names.ts';
import { resolveConfig, type Options } from '../../src/config/config.ts';
import { isAmberError } from '../../src/errors.ts';
import { amberMiddleware, capture, withCapture } from '../../src/index.ts';

const MINE = { name: 'mine', description: 'of a test', tier: 'files', collect: () => [] };
const INVOCATION = { name: 'mine', description: 'of a test', moments: () => ['settled'], fires: () => undefined };
const VAULT = { name: 'vault', protocol: 'vault:', description: 'of a test', open: () => undefined };

function invalid(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(isAmberError(error), String(error));
    assert.equal(error.code, 'CONFIG_INVALID');
    return error.message;
  }
  return '';
}

const wrapped = (options: unknown): string => invalid(() => withCapture(() => 1, options as Options));

describe('a collector of code', () => {
  for (const [name, collectors, expected] of [
    [
      'an unknown tier',
      [{ ...MINE, tier: 'fast' }],
      'option `collectors[0].tier` is "fast"; expected one of volatile, recovered, files, code, memory, for example \'volatile\'',
    ],
    [
      'no name',
      [{ ...MINE, name: undefined }],
      'option `collectors[0].name` is "undefined"; expected a name of lower-case',
    ],
    ['a name that leaves', [{ ...MINE, name: '../up' }], 'option `collectors[0].name` is '],
    ['no description', [{ ...MINE, description: ' ' }], 'option `collectors[0].description` is '],
    [
      'no collect',
      [{ ...MINE, collect: 7 }],
      'option `collectors[0].collect` is "7"; expected a function that gives entries',
    ],
    [
      'a switch that is none',
      [{ ...MINE, optIn: 'yes' }],
      'option `collectors[0].optIn` is "yes"; expected true or false',
    ],
    ['nothing in it', [MINE, {}], 'option `collectors[1].name` is "undefined"'],
    ['null', [null], 'option `collectors[0]` is "null"; expected an object with name, description, tier, collect'],
    ['a function', [() => []], 'option `collectors[0]` is of type function'],
    ['no array', MINE, 'option `collectors` is '],
    [
      'a built-in name',
      [{ ...MINE, name: 'processes' }],
      'option `collectors[0].name` is "processes"; expected a name that no built-in one has, for example \'my-processes\'',
    ],
    [
      'the name of another',
      [MINE, { ...MINE }],
      'option `collectors[1].name` is "mine"; expected a name that no other one of `collectors` has',
    ],
  ] as const) {
    test(`${name}: CONFIG_INVALID names option, value, what was expected and an example`, () => {
      const message = wrapped({ collectors });
      assert.ok(message.includes(expected), `${expected}\nis not in\n${message}`);
      assert.match(message, /for example /u);
    });
  }

  test('every built-in name is taken', () => {
    for (const name of COLLECTOR_NAMES)
      assert.match(wrapped({ collectors: [{ ...MINE, name }] }), /no built-in one has/u, name);
  });

  test('a good one passes, alone and beside another', () => {
    assert.equal(
      wrapped({
        collectors: [MINE, { ...MINE, name: 'mine-2', optIn: true }],
        destinations: [VAULT],
        destination: 'vault://x',
      }),
      '',
    );
    assert.equal(wrapped({ collectors: undefined, destinations: undefined }), '');
  });
});

describe('a destination of code', () => {
  for (const [name, destinations, expected] of [
    [
      'nothing in it',
      [{}],
      'option `destinations[0].protocol` is "undefined"; expected a scheme in lower case with its colon, for example \'vault:\'',
    ],
    ['a protocol without colon', [{ ...VAULT, protocol: 'vault' }], 'option `destinations[0].protocol` is "vault"'],
    [
      'no open',
      [{ ...VAULT, open: undefined }],
      'option `destinations[0].open` is "undefined"; expected a function that opens a destination',
    ],
    ['the scheme of another', [VAULT, { ...VAULT, name: 'other' }], 'option `destinations[1].protocol` is '],
    ['null', [null], 'option `destinations[0]` is "null"; expected an object with name, protocol, description, open'],
    ['no array', 'vault:', 'option `destinations` is a text of 6 characters (not shown); expected an array of objects'],
  ] as const) {
    test(name, () => {
      const message = wrapped({ destinations });
      assert.ok(message.includes(expected), `${expected}\nis not in\n${message}`);
    });
  }

  test('a built-in scheme may be replaced', () => {
    assert.equal(wrapped({ destinations: [{ ...VAULT, protocol: 's3:' }], destination: 's3://bucket' }), '');
  });
});

describe('a trigger of code', () => {
  const destination = 's3://bucket';
  for (const [name, triggers, expected] of [
    [
      'no name',
      [{ ...INVOCATION, name: undefined }],
      'option `triggers[0].name` is "undefined"; expected a name of lower-case',
    ],
    ['no description', [{ ...INVOCATION, description: '' }], 'option `triggers[0].description` is '],
    [
      'moments that are a list',
      [{ ...INVOCATION, moments: ['settled'] }],
      'option `triggers[0].moments` is a text of 11 characters (not shown); expected a function that gives the moments',
    ],
    [
      'no fires',
      [{ ...INVOCATION, fires: undefined }],
      'option `triggers[0].fires` is "undefined"; expected a function that gives the cause, or undefined',
    ],
    [
      'a lead that is a number',
      [{ ...INVOCATION, leadMs: 7 }],
      'option `triggers[0].leadMs` is "7"; expected a function that gives milliseconds',
    ],
    [
      'a switch that is none',
      [{ ...INVOCATION, once: 'yes' }],
      'option `triggers[0].once` is "yes"; expected true or false',
    ],
    ['null', [null], 'option `triggers[0]` is "null"; expected an object with name, description, moments, fires'],
    ['no array', INVOCATION, 'option `triggers` is '],
    [
      'a built-in name',
      [{ ...INVOCATION, name: 'deadline' }],
      'option `triggers[0].name` is "deadline"; expected a name that no built-in one has, for example \'my-deadline\'',
    ],
    [
      'the name of another',
      [INVOCATION, { ...INVOCATION }],
      'option `triggers[1].name` is "mine"; expected a name that no other one of `triggers` has',
    ],
  ] as const) {
    test(`${name}: CONFIG_INVALID says it in one sentence`, () => {
      const message = wrapped({ triggers, destination });
      assert.ok(message.startsWith(expected), `${expected}\nis not the beginning of\n${message}`);
      assert.doesNotMatch(message, /; option/u);
    });
  }

  test('every built-in name is taken', () => {
    for (const name of TRIGGER_NAMES)
      assert.match(wrapped({ triggers: [{ ...INVOCATION, name }], destination }), /no built-in one has/u, name);
  });

  test('a good one passes; what it starts needs a destination, which the environment may bring', () => {
    assert.equal(
      wrapped({ triggers: [INVOCATION, { ...INVOCATION, name: 'mine-2', once: true, leadMs: () => 1000 }] }),
      '',
    );
    assert.match(
      invalid(() => resolveConfig({ triggers: [INVOCATION] } as unknown as Options, {})),
      /^option `triggers` may start a capture, but neither option `destination` nor AMBER_DESTINATION is set/u,
    );
  });
});

describe('options as a whole', () => {
  for (const options of [null, 7, 'now', [], () => 1]) {
    test(`${typeof options} ${JSON.stringify(options)} is CONFIG_INVALID everywhere`, async () => {
      assert.match(wrapped(options), /^the options are .*; expected an object, for example \{ destination: /u);
      assert.match(
        invalid(() => amberMiddleware(options as Options)),
        /^the options are /u,
      );
      if (typeof options !== 'string') await assert.rejects(capture(options as Options), { code: 'CONFIG_INVALID' });
    });
  }

  test('a value without a text is named by its type', () => {
    const ring: unknown[] = [];
    ring.push(ring);
    for (const maxMs of [() => 1, Symbol('x'), 5n, ring, Object.create(null) as unknown])
      assert.match(wrapped({ maxMs, maxBytes: maxMs }), /option `maxMs` is .*; expected a whole number/u);
  });
});

test('what is no handler is given back, so that the runtime fails as without Amber', () => {
  for (const handler of [undefined, null, 7, 'handler', {}]) assert.equal(withCapture(handler as never), handler);
});

describe('a message names what was set, where it was set', () => {
  const message = (options: Options, env: Record<string, string> = {}): string =>
    invalid(() => resolveConfig(options, env));
  test('triggers without a destination', () => {
    assert.match(
      message({ onError: 'any' }, { AMBER_CAPTURE: 'yes' }),
      /option `onError` may start a capture, but neither option `destination` nor AMBER_DESTINATION is set/u,
    );
    assert.match(
      message({ deadlineMs: 5 }, { AMBER_CAPTURE: 'now' }),
      /AMBER_CAPTURE and option `deadlineMs` may start/u,
    );
    assert.match(
      message({}, { AMBER_CAPTURE: 'now' }),
      /AMBER_CAPTURE may start a capture, but AMBER_DESTINATION is not set/u,
    );
  });
  test('others that do not fit together', () => {
    assert.match(
      message({ fleetCap: 5 }, { AMBER_DESTINATION: 'file:///tmp/x' }),
      /option `fleetCap` needs an s3: destination, but AMBER_DESTINATION is /u,
    );
    assert.match(
      message({ destination: 'file:///tmp/x' }, { AMBER_S3_KMS_KEY: 'arn:x' }),
      /AMBER_S3_KMS_KEY needs an s3: destination, but option `destination` is /u,
    );
    assert.match(message({ destination: 'vault://x' }), /option `destination` is .*; expected a URL with s3:, file:/u);
    assert.match(message({ collect: ['-tmp'] }), /option `collect` names "tmp"/u);
  });
});
