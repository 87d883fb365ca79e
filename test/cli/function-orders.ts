/** A function in moto that reads orders, and the built command that gives them. */
import type { TestContext } from 'node:test';
import { Lambda } from '@aws-sdk/client-lambda';
import { scene, type Scene } from '../acquire/scene.ts';
import { KEYS } from '../e2e/warm-places.ts';
import type { Rule } from '../servers/aws-proxy.ts';
import { MOTO_ENV } from '../servers/moto.ts';
import { program, type ProgramOptions, type Ran } from './program.ts';

export type RanJson = Ran & { readonly json: Readonly<Record<string, unknown>> };

export async function amber(...argv: readonly string[]): Promise<RanJson> {
  return amberWith({}, ...argv);
}

export async function amberWith(options: ProgramOptions, ...argv: readonly string[]): Promise<RanJson> {
  const ran = await program(argv, options);
  return {
    ...ran,
    json: argv.includes('--json') ? (JSON.parse(ran.out === '' ? '{}' : ran.out) as Record<string, unknown>) : {},
  };
}

export type Configure = (
  t: TestContext,
  env: Readonly<Record<string, string>>,
  ...rules: readonly Rule[]
) => Promise<Scene | undefined>;

/** The function, configured for this place. Both S3 servers take the same keys. */
export const configured: Configure = async (t, env, ...rules) => {
  const set = await scene(t, ...rules);
  if (set === undefined) return undefined;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey });
  t.after(() => Object.assign(process.env, MOTO_ENV));
  const lambda = new Lambda({ endpoint: set.motoEndpoint, region: 'eu-central-1' });
  t.after(() => lambda.destroy());
  const Variables = Object.fromEntries(
    Object.entries({ ...env, STAGE: 'prod' }).filter(([name]) => !name.startsWith('AWS_')),
  );
  await lambda.updateFunctionConfiguration({ FunctionName: 'checkout', Environment: { Variables } });
  return set;
};
