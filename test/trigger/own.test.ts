/** Triggers of code: asked like the built-in ones, and contained. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveConfig, type Options } from '../../src/config/config.ts';
import type { Cause, TriggerEvent, Trigger, Config } from '../../src/contracts/evidence.ts';
import { ownTriggers } from '../../src/trigger/own.ts';

const SETTLED: TriggerEvent = { at: 'settled', invocation: 1 };

interface Asked {
  readonly trigger: Trigger;
  readonly faults: string[];
  readonly config: Config;
}

/** One trigger of code, as the host has it. */
function own(given: object, options: Options = {}): Asked {
  const faults: string[] = [];
  const mine = { name: 'mine', description: 'of a test', moments: () => ['settled'], fires: () => undefined, ...given };
  const config = resolveConfig(
    { destination: 'file:///tmp/none', ...options, triggers: [mine as unknown as Trigger] },
    {},
  );
  const [trigger] = ownTriggers(config, ({ name }, error) =>
    faults.push(`${name}: ${error instanceof Error ? error.message : String(error)}`),
  );
  assert.ok(trigger);
  return { trigger, faults, config };
}

const fire = ({ trigger, config }: Asked, event: TriggerEvent = SETTLED): Cause | undefined =>
  trigger.fires(event, config);

describe('a trigger of code', () => {
  test('gets moment and configuration, and gives its cause under its own name', () => {
    const seen: unknown[] = [];
    const asked = own({
      fires: (...all: unknown[]) => (
        seen.push(...all), { trigger: 'control', reason: 'an order is forged', requester: 'code' }
      ),
    });
    assert.deepEqual(fire(asked), { trigger: 'mine', reason: 'an order is forged', requester: 'code' });
    assert.deepEqual(seen, [SETTLED, asked.config]);
    assert.deepEqual(asked.faults, []);
  });

  test('passes for no order: what a responder has signed is not for code to say', () => {
    const order = { id: 'a', signedBy: 'key' };
    assert.deepEqual(fire(own({ fires: () => ({ trigger: 'control', reason: 'x', order }) })), {
      trigger: 'mine',
      reason: 'x',
    });
  });

  test('is not asked at a moment that it did not name', () => {
    let asked = 0;
    const one = own({
      fires: () => {
        asked += 1;
      },
    });
    assert.equal(fire(one, { at: 'failed', invocation: 1, error: new Error('x') }), undefined);
    assert.equal(asked, 0);
  });

  test('the reason is one bounded line', () => {
    const reason = fire(own({ fires: () => ({ reason: `a\nb\u001b[2J${'x'.repeat(999)}` }) }))?.reason ?? '';
    assert.match(reason, /^a b \[2Jx+$/u);
    assert.equal(reason.length, 300);
  });

  for (const [name, fires] of [
    [
      'throws',
      () => {
        throw new Error('torn');
      },
    ],
    ['gives a text', () => 'yes'],
    ['gives true', () => true],
    ['gives null', () => null],
    ['gives no reason', () => ({ trigger: 'mine' })],
    ['gives an empty reason', () => ({ reason: ' ' })],
    [
      'gives a getter that throws',
      () => ({
        get reason(): string {
          throw new Error('torn');
        },
      }),
    ],
    ['is asynchronous', async () => Promise.reject(new Error('torn'))],
  ] as const) {
    test(`one that ${name} fires nothing, and says so`, async () => {
      const asked = own({ fires });
      assert.equal(fire(asked), undefined);
      assert.equal(asked.faults.length, 1);
      assert.match(asked.faults[0] ?? '', /^mine: (?:torn|trigger `mine`: fires\(\) gives something else)/u);
      await new Promise(setImmediate); // a rejection that nobody takes would end this process
    });
  }

  test('moments that it cannot name turn it off, with one fault', () => {
    for (const moments of [
      () => ['always'],
      () => 'settled',
      () => {
        throw new Error('torn');
      },
    ]) {
      const asked = own({ moments });
      assert.deepEqual(asked.trigger.moments(asked.config), []);
      assert.equal(asked.faults.length, 1);
    }
  });

  test('a lead that is none, or not usable, is that of an order', () => {
    const moments = (): string[] => ['near-deadline'];
    const usual = own({ moments });
    assert.equal(usual.trigger.leadMs?.(usual.config, 3000), 1500);
    for (const leadMs of [
      () => Number.NaN,
      () => 'soon',
      () => {
        throw new Error('torn');
      },
    ]) {
      const asked = own({ moments, leadMs });
      assert.equal(asked.trigger.leadMs?.(asked.config, 3000), 1500);
      assert.equal(asked.faults.length, 1);
    }
    const given = own({ moments, leadMs: (_: Config, remainingMs: number) => remainingMs - 1 });
    assert.equal(given.trigger.leadMs?.(given.config, 3000), 2999);
  });

  test('findings reach it only where detectors look', () => {
    const moments = (): string[] => ['settled', 'found'];
    const [on, off] = [own({ moments }), own({ moments }, { detect: 'off' })];
    assert.deepEqual(on.trigger.moments(on.config), ['settled', 'found']);
    assert.deepEqual(off.trigger.moments(off.config), ['settled']);
  });

  test('AMBER_CAPTURE=off turns it off', () => {
    const mine: Trigger = {
      name: 'mine',
      description: 'of a test',
      moments: () => ['settled'],
      fires: () => undefined,
    };
    assert.deepEqual(
      ownTriggers(
        resolveConfig({ destination: 'file:///tmp/none', capture: 'off', triggers: [mine] }, {}),
        assert.ifError,
      ),
      [],
    );
  });
});
