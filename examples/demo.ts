/**
 * The main job on this machine, with no cloud account: a function with a command injection hole runs under a Lambda
 * runtime client, is attacked, and its capture lands in a folder, is listed, verified and shown; then the code-level
 * evidence is collected beside it, from a stand-in control plane.
 *
 *     npm run demo                        what is left: .amber/demo/evidence
 *     npm run demo -- --real-client       under AWS's own client, which is compiled first: some minutes, once
 */
import { spawn, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureClients, ric4, standIn, type Client } from '../test/sandbox/clients.ts';
import { startSandbox } from '../test/sandbox/sandbox.ts';
import { collectCase, FUNCTION } from './demo-case.ts';
import { listenForImplant, payload } from './vulnerable/attack.ts';

/** Where everything of the demo lies; DEMO_FOLDER is for two at a time. */
export const HOME: string = resolve(process.env['DEMO_FOLDER'] ?? '.amber/demo');
const evidence = join(HOME, 'evidence');
const writable = join(HOME, 'tmp');
const log = join(HOME, 'function.log');

/** What the demo leaves behind, for the tests that ask more of it. */
export interface DemoResult {
  readonly evidence: string;
  readonly writable: string;
  readonly log: string;
  readonly client: string;
  /** Where the implant called home to. */
  readonly attackerPort: number;
  readonly status: number;
}

/**
 * @param isReal - under the real aws-lambda-ric; without it nothing is compiled, and the small client of the tests
 * starts at once
 */
export async function demo(say: (line: string) => void, isReal = false): Promise<DemoResult> {
  rmSync(HOME, { recursive: true, force: true });
  for (const folder of [evidence, writable]) mkdirSync(folder, { recursive: true });
  const client = isReal && ensureClients() ? ric4 : standIn;
  const instead = isReal
    ? 'the real aws-lambda-ric could not be built: it needs a C++ toolchain'
    : 'with --real-client: under aws-lambda-ric 4, which is compiled first';
  say(`1. a function with a hole starts under ${client.name}${client.real ? '' : ` (${instead})`}`);
  const implant = await listenForImplant();
  const sandbox = await startSandbox({
    client: alone(client, say),
    handler: 'handler.handler',
    taskRoot: resolve('examples/vulnerable'),
    timeoutMs: 30_000,
    memoryMb: 512,
    env: {
      AWS_LAMBDA_FUNCTION_NAME: FUNCTION,
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${FUNCTION}`,
      AMBER_CAPTURE: 'now',
      AMBER_DESTINATION: pathToFileURL(evidence).href,
      AMBER_WRITABLE: writable,
      AMBER_CODE: resolve('examples/vulnerable'),
      DB_PASSWORD: 'correct horse battery staple',
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    },
  });
  try {
    say('2. the attack: a request whose `host` drops an ELF, starts it, deletes it and calls home');
    const answer = await sandbox.invoke({ queryStringParameters: { host: payload(writable, implant.port) } });
    const body = 'body' in answer ? JSON.stringify(answer.body.toString()) : '';
    say(
      `   the function answered as always: ${answer.kind} ${body.slice(0, 70)} after ${Math.round(answer.tookMs)} ms, capture included`,
    );
  } finally {
    await sandbox.stop();
    implant.server.close();
    writeFileSync(log, sandbox.stdout());
  }
  return { evidence, writable, log, client: client.name, attackerPort: implant.port, status: answered(log) };
}

/** The function sees its own processes alone where this machine allows a PID namespace without root. */
function alone(client: Client, say: (line: string) => void): Client {
  const flags = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount-proc'];
  if (spawnSync('unshare', [...flags, 'true']).status === 0) {
    return { ...client, node: 'unshare', args: (handler) => [...flags, client.node, ...client.args(handler)] };
  }
  say('   (no PID namespace here: the capture will list the processes of this machine too)');
  return client;
}

function answered(path: string): number {
  return spawnSync('grep', ['-q', '"amber":"capture"', path]).status ?? 1;
}

/** Runs the built command. Not spawnSync: the stand-in control plane answers from this process. */
export async function amber(...args: readonly string[]): Promise<number> {
  process.stdout.write(`\n$ amber ${args.join(' ')}\n`);
  const child = spawn(process.execPath, ['dist/cli/amber.js', ...args], { stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

async function respond({ evidence, log: printed }: DemoResult): Promise<readonly number[]> {
  process.stdout.write('3. the responder: list, verify against the digests that the log holds, show\n');
  const codes = [
    await amber('captures', evidence),
    await amber('verify', evidence, '--log', printed),
    await amber('show', evidence),
  ];
  process.stdout.write(
    '\n4. the code-level evidence, beside it: versions, layers, configuration, role, logs, CloudTrail\n',
  );
  const collected = await collectCase({ evidence, home: HOME }, amber);
  if (typeof collected === 'string') {
    process.stdout.write(`   ${collected}\n`);
    return codes;
  }
  process.stdout.write(
    '   (one layer belongs to another account and was denied: a line in the manifest, and exit code 1)\n',
  );
  const newest = globSync(`${evidence}/**/capture=*`).sort().at(-1) ?? '';
  return [
    ...codes,
    collected === 1 ? 0 : collected,
    await amber('captures', evidence),
    await amber('verify', evidence, '--all', '--log', printed),
    await amber('show', newest),
    await amber('report', evidence, '--log', printed, '--to', join(HOME, 'case.html')),
  ];
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { 'real-client': { type: 'boolean', default: false } } });
  const result = await demo((line) => process.stdout.write(`${line}\n`), values['real-client']);
  const codes = await respond(result);
  process.exitCode = result.status === 0 && codes.every((code) => code === 0) ? 0 : 1;
}
