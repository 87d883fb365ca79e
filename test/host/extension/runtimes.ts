/**
 * Functions of other runtimes under AWS's own runtime clients: each is left with what an intruder leaves when an event
 * says `leave`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { hasPeer } from '../../peers.ts';
import type { PlatformOptions } from '../../sandbox/platform-contracts.ts';
import type { RuntimeMarks } from './any-layer.ts';
import { HANDLERS } from './sandbox.ts';

type Parts = Pick<PlatformOptions, 'runtime' | 'mounts' | 'handler'>;

export interface OtherRuntime {
  readonly name: string;
  readonly marks: RuntimeMarks;
  /** What it is made with. */
  readonly needs: string;
  /** Builds the function at the first call; undefined: this machine cannot. */
  readonly parts: () => Parts | undefined;
}

const PEERS = resolve(import.meta.dirname, '../../peers');
const VENV = join(PEERS, 'venv');
const SITE = join(VENV, 'lib/python3.11/site-packages');
const JAVA = join(PEERS, 'java');
const BUILD_MS = 300_000;

/** True if the command succeeded; what it says against itself goes to stderr. */
function build(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): boolean {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: BUILD_MS,
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.stderr.write(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`.slice(-4000));
  return status === 0;
}

/** True if the file is younger than what it is made of. */
function isBuilt(file: string, sources: readonly string[]): boolean {
  const builtMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return sources.every((source) => statSync(source).mtimeMs < builtMs);
}

/** awslambdaric, from the virtual environment of the tests. */
const python: OtherRuntime = {
  name: 'Python',
  needs: 'awslambdaric (pip, test/peers/requirements.txt)',
  marks: { argument: 'awslambdaric', exe: /\/python3[^/]*$/u, executionEnv: 'AWS_Lambda_python3.11' },
  parts: () => {
    if (!existsSync(join(SITE, 'awslambdaric'))) return undefined;
    const home = dirname(dirname(realpathSync(join(VENV, 'bin/python3'))));
    return {
      handler: 'function.handler',
      mounts: { python: home, site: SITE },
      runtime: {
        command: ['/mnt/python/bin/python3', '-m', 'awslambdaric', 'function.handler'],
        cwd: HANDLERS,
        env: {
          LAMBDA_TASK_ROOT: HANDLERS,
          PYTHONPATH: `${HANDLERS}:/mnt/site`,
          LD_LIBRARY_PATH: '/mnt/python/lib',
          AWS_EXECUTION_ENV: 'AWS_Lambda_python3.11',
          PYTHONDONTWRITEBYTECODE: '1',
        },
      },
    };
  },
};

/** com.amazonaws:aws-lambda-java-runtime-interface-client, started as the managed runtimes of Java start it. */
const java: OtherRuntime = {
  name: 'Java',
  needs: 'java and mvn',
  marks: {
    argument: 'com.amazonaws.services.lambda.runtime.api.client.AWSLambda',
    exe: /\/bin\/java$/u,
    executionEnv: 'AWS_Lambda_java17',
  },
  parts: () => {
    if (!hasPeer('java') || !hasPeer('mvn')) return undefined;
    if (
      !isBuilt(
        join(JAVA, 'target/function-1.jar'),
        ['pom.xml', 'src/main/java/Function.java'].map((path) => join(JAVA, path)),
      ) &&
      !build('mvn', ['-q', '-B', 'package'], JAVA)
    )
      return undefined;
    const jars = globSync(join(JAVA, 'target/{*.jar,lib/*.jar}')).sort().join(':');
    return {
      handler: 'Function::handle',
      runtime: {
        // Flags of the managed runtime (AWS, "Customize Java runtime startup behavior"): no second compiler, no JIT
        // data kept.
        command: [
          'java',
          '-XX:MaxRAM=512m',
          '-XX:+UseSerialGC',
          '-XX:TieredStopAtLevel=1',
          '-cp',
          jars,
          'com.amazonaws.services.lambda.runtime.api.client.AWSLambda',
          'Function::handle',
        ],
        cwd: JAVA,
        env: { LAMBDA_TASK_ROOT: JAVA, AWS_EXECUTION_ENV: 'AWS_Lambda_java17', LD_LIBRARY_PATH: '' },
      },
    };
  },
};

/** github.com/aws/aws-lambda-go: the program is the bootstrap, as on provided.al2023. */
const go: OtherRuntime = {
  name: 'Go',
  needs: 'go',
  marks: { argument: 'bootstrap', exe: /\/bootstrap$/u, executionEnv: 'AWS_Lambda_provided.al2023' },
  parts: () => {
    if (!hasPeer('go')) return undefined;
    const folder = resolve('node_modules/.cache/amber-peer-go');
    mkdirSync(folder, { recursive: true });
    const program = join(folder, 'bootstrap');
    if (
      !build('go', ['build', '-buildvcs=false', '-trimpath', '-o', program, '.'], join(PEERS, 'go'), {
        CGO_ENABLED: '0',
      })
    )
      return undefined;
    return {
      handler: 'bootstrap',
      runtime: {
        command: [program],
        cwd: folder,
        env: { LAMBDA_TASK_ROOT: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_provided.al2023', LD_LIBRARY_PATH: '' },
      },
    };
  },
};

export const OTHER_RUNTIMES: readonly OtherRuntime[] = [python, java, go];
