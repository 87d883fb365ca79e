/**
 * The `amber` command as it is published: one file with everything in it. Four fifths of that are clients of the AWS
 * SDK, and half of the commands need none: they stand in the file as a text, which is compiled when the first client is
 * asked for. To compile them at each start took longer than it takes Node to start.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { BUILTINS } from './library.ts';
import { notices } from './third-party.ts';

const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22.15',
  mainFields: ['module', 'main'],
  minify: true,
  metafile: true,
  logLevel: 'warning',
  write: false,
};

/**
 * The first thing that runs, in words that old versions know: what stands below may fail in ways that say nothing of
 * the cause.
 */
const OLD_NODE = `import { writeSync as amberWrite } from 'node:fs';
const [amberMajor, amberMinor] = process.versions.node.split('.').map(Number);
if (amberMajor < 22 || (amberMajor === 22 && amberMinor < 15)) {
  amberWrite(2, 'amber: USAGE: Node ' + process.versions.node + ' is too old: amber needs Node 22.15 or later (https://nodejs.org).\\n');
  process.exit(2);
}`;

/** What is compiled only when it is asked for: of the SDK anything else would fail the build. */
const CLIENTS = [
  ...['cloudtrail', 'cloudwatch-logs', 'ecr', 'guardduty', 'iam', 'lambda', 's3', 'sts'].map(
    (service) => `@aws-sdk/client-${service}`,
  ),
  '@aws-sdk/credential-provider-node',
  // Needed only where the environment names a proxy.
  'agent-base',
  'http-proxy-agent',
  'https-proxy-agent',
];

/** Writes `amber.js` into `outdir`, and the licences of what is in it. */
export async function buildCommand(outdir: string): Promise<void> {
  const clients = await bundle({
    ...COMMON,
    format: 'cjs',
    // Compiled by node:vm, it has no import(): built-in modules come by require().
    supported: { 'dynamic-import': false },
    stdin: {
      contents: CLIENTS.map(
        (name) => `exports[${JSON.stringify(name)}] = () => require(${JSON.stringify(name)});`,
      ).join('\n'),
      resolveDir: '.',
    },
  });
  const command = await bundle({
    ...COMMON,
    format: 'esm',
    entryPoints: { amber: 'src/cli/amber.ts' },
    plugins: [BUILTINS, asText(clients.text)],
    // CommonJS parts call require(), which an ES module does not have.
    banner: {
      js: `${OLD_NODE}\nimport { createRequire as amberRequire } from 'node:module'; const require = amberRequire(import.meta.url);`,
    },
  });
  const file = join(outdir, 'amber.js');
  writeFileSync(file, command.text);
  chmodSync(file, 0o755);
  writeFileSync(
    join(outdir, 'THIRD-PARTY.txt'),
    notices({ inputs: { ...clients.metafile.inputs, ...command.metafile.inputs } }),
  );
}

async function bundle(options: BuildOptions): Promise<{ text: string; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({ ...options, outdir: 'unwritten', write: false, metafile: true });
  return { text: outputFiles[0]?.text ?? '', metafile };
}

/** Each client by name out of one text, compiled once, and only then. */
function asText(text: string): Plugin {
  return {
    name: 'clients of the SDK as a text',
    setup: (builder) => {
      builder.onResolve({ filter: /^@(?:aws-sdk|smithy)\/|^agent-base$|^https?-proxy-agent$/ }, ({ path }) =>
        CLIENTS.includes(path)
          ? { path, namespace: 'client' }
          : { errors: [{ text: `${path} is not among the clients of layer/command.ts` }] },
      );
      builder.onLoad({ filter: /^/, namespace: 'client' }, ({ path }) => ({
        contents: `module.exports = require('amber:clients')(${JSON.stringify(path)});`,
      }));
      builder.onResolve({ filter: /^amber:clients$/ }, ({ path }) => ({ path, namespace: 'clients' }));
      builder.onLoad({ filter: /^/, namespace: 'clients' }, () => ({
        contents: `
const { compileFunction } = process.getBuiltinModule('node:vm');
const text = () => ${JSON.stringify(text)};
let clients;
module.exports = (name) => {
  if (clients === undefined) {
    clients = {};
    compileFunction(text(), ['exports', 'require', 'module'], { filename: 'amber-aws-sdk.js' })(clients, require, { exports: clients });
  }
  return clients[name]();
};`,
      }));
    },
  };
}
