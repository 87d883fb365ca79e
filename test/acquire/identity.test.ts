/**
 * A function is asked for as it was named, and an answer of another one ends the command before anything is written.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { compareAccount, compareAnswer, parseFunctionName } from '../../src/acquire/function-name.ts';
import { EXIT } from '../../src/cli/amber.ts';
import { fault, json, onOperation, type Rule } from '../servers/aws-proxy.ts';
import { stopRadosgw } from '../servers/radosgw.ts';
import { amber } from '../cli/function-orders.ts';
import { freshFolder, scene } from './scene.ts';
import { times } from '../effort.ts';

const OWN = '123456789012';
const OTHER = '999988887777';
const arn = (account: string, region = 'eu-central-1', name = 'checkout'): string =>
  `arn:aws:lambda:${region}:${account}:function:${name}`;
after(() => stopRadosgw());

describe('names', () => {
  const parts = fc.record({
    region: fc.constantFrom('eu-central-1', 'us-gov-west-1', 'cn-north-1', 'ap-southeast-5'),
    account: fc.stringMatching(/^\d{12}$/u),
    name: fc
      .stringMatching(/^[a-z][\w-]{0,40}$/u)
      .filter((name) => name !== 'function' && !/^[a-z]{2}(?:-[a-z]+)+-\d$/u.test(name)),
    qualifier: fc.option(fc.constantFrom('$LATEST', '7', 'live', 'blue_1'), { nil: undefined }),
  });

  test('every form that Lambda takes gives its parts, and is asked for as it was typed', () => {
    fc.assert(
      fc.property(parts, ({ region, account, name, qualifier }) => {
        const tail = qualifier === undefined ? '' : `:${qualifier}`;
        const forms = [
          [name, undefined, undefined],
          [`${account}:function:${name}`, undefined, account],
          [`arn:aws:lambda:${region}:${account}:function:${name}`, region, account],
        ] as const;
        for (const [askedAs, wantedRegion, wantedAccount] of forms) {
          assert.deepEqual(parseFunctionName(`${askedAs}${tail}`), {
            askedAs,
            name,
            region: wantedRegion,
            account: wantedAccount,
            qualifier,
          });
        }
      }),
      { numRuns: times(100) },
    );
  });

  test('an answer fits only if account, region, name and version or alias do', () => {
    const asked = { ...parseFunctionName(`${arn(OWN)}:live`), region: 'eu-central-1' };
    assert.equal(compareAnswer(asked, { FunctionArn: `${arn(OWN)}:live`, Version: '4' }), arn(OWN));
    const others = [arn(OTHER), arn(OWN, 'us-east-1'), arn(OWN, 'eu-central-1', 'checkout2'), arn(OWN)].map(
      (one, at) => `${one}:${at === 3 ? 'old' : 'live'}`,
    );
    for (const FunctionArn of [...others, '', 'arn:aws:s3:::bucket']) {
      assert.throws(
        () => compareAnswer(asked, { FunctionArn, Version: '4' }),
        { code: 'ACQUIRE_MISMATCH' },
        FunctionArn,
      );
    }
    assert.throws(() => compareAccount(arn(OTHER), `arn:aws:iam::${OWN}:user/x`), { code: 'ACQUIRE_MISMATCH' });
    assert.doesNotThrow(() => compareAccount(arn(OWN), undefined));
  });
});

/** The configuration of a function of the same name elsewhere, as the control plane of its account words it. */
const answers = (FunctionArn: string): Rule =>
  onOperation(
    'GetFunctionConfiguration',
    json({
      FunctionName: 'checkout',
      FunctionArn,
      Version: '$LATEST',
      Role: `arn:aws:iam::${OTHER}:role/x`,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Environment: {
        Variables: { AMBER_CONTROL: 's3://orders/control.json', AMBER_DESTINATION: 's3://evidence-bucket/amber' },
      },
    }),
  );

const COMMANDS: readonly (readonly string[])[] = [
  ['collect'],
  ['hunt'],
  ['doctor'],
  ['status'],
  ['trigger', '--reason', 'x', '--dry-run'],
  ['trigger', '--reason', 'x', '--env-flag'],
  ['trigger', '--withdraw'],
];

async function refused(
  endpoint: string,
  name: string,
  args: readonly string[],
): Promise<{ code: number; text: string; left: readonly string[] }> {
  const folder = freshFolder();
  const [command = '', ...rest] = args;
  const out = command === 'collect' ? ['--out', folder] : [];
  const {
    code,
    err,
    out: said,
  } = await amber(command, name, ...rest, ...out, '--endpoint', endpoint, '--region', 'eu-central-1', '--json');
  return { code, text: err + said, left: readdirSync(folder) };
}

describe('commands, as built', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['another account', arn(OWN), arn(OTHER)],
    ['another region', arn(OWN), arn(OWN, 'us-east-1')],
    ['another name', 'checkout', arn(OWN, 'eu-central-1', 'checkout-2')],
    ['an alias in place of the version', 'checkout:3', `${arn(OWN)}:live`],
    ['the account of the name, not of the credentials', arn(OTHER), arn(OTHER)],
  ];
  for (const [what, name, answer] of cases) {
    test(`${what} ends each command, and nothing is written`, async (t) => {
      const set = await scene(t, answers(answer));
      if (set === undefined) return;
      for (const args of COMMANDS) {
        const { code, text, left } = await refused(set.proxy.endpoint, name, args);
        assert.equal(code, EXIT.unreachable, `${args.join(' ')}: ${text}`);
        assert.match(text, /ACQUIRE_MISMATCH/u, args.join(' '));
        assert.deepEqual(left, [], args.join(' '));
      }
      assert.ok(
        !set.proxy.seen.some((operation) =>
          /^(?:Update|Put|Invoke|FilterLog|StartQuery|LookupEvents)/u.test(operation),
        ),
        set.proxy.seen.join(' '),
      );
    });
  }

  test('names of every form reach the control plane as they were typed', async (t) => {
    const asked: string[] = [];
    const set = await scene(t, (one) => {
      if (one.operation === 'GetFunctionConfiguration')
        asked.push(
          decodeURIComponent(
            `${one.url.pathname.split('/')[3] ?? ''}${one.url.searchParams.has('Qualifier') ? `|${one.url.searchParams.get('Qualifier') ?? ''}` : ''}`,
          ),
        );
      return undefined;
    });
    if (set === undefined) return;
    for (const name of ['checkout', arn(OWN), `${arn(OWN)}:3`, 'checkout:$LATEST']) {
      asked.length = 0;
      const { code, out, err } = await amber(
        'doctor',
        name,
        '--endpoint',
        set.proxy.endpoint,
        '--region',
        'eu-central-1',
        '--json',
      );
      assert.ok(code === EXIT.ok || code === EXIT.problem, `${name}: ${err}`);
      assert.equal((JSON.parse(out) as { functionArn: string }).functionArn, arn(OWN));
      const { askedAs, qualifier } = parseFunctionName(name);
      assert.equal(asked[0], `${askedAs}${qualifier === undefined ? '' : `|${qualifier}`}`);
    }
  });

  test('the flag is refused for an alias: it would change what the alias does not serve', async (t) => {
    const set = await scene(
      t,
      onOperation('GetFunctionConfiguration', ({ url }) =>
        url.searchParams.get('Qualifier') === 'live'
          ? json({
              FunctionName: 'checkout',
              FunctionArn: `${arn(OWN)}:live`,
              Version: '4',
              Environment: { Variables: { AMBER_CONTROL: 'ssm:/amber/control' } },
            })
          : undefined,
      ),
    );
    if (set === undefined) return;
    const ran = await amber(
      'trigger',
      'checkout:live',
      '--reason',
      'x',
      '--env-flag',
      '--endpoint',
      set.proxy.endpoint,
      '--region',
      'eu-central-1',
      '--json',
    );
    assert.equal(ran.code, EXIT.usage, ran.err + ran.out);
    assert.ok(!set.proxy.seen.includes('UpdateFunctionConfiguration'));
  });

  test('a denied look-up stays denied, and is no mismatch', async (t) => {
    const set = await scene(t, onOperation('GetFunctionConfiguration', fault(403, 'AccessDeniedException')));
    if (set === undefined) return;
    const { text } = await refused(set.proxy.endpoint, arn(OTHER), ['doctor']);
    assert.match(text, /ACQUIRE_DENIED/u);
  });
});
