/**
 * Makes the golden collection of this commit, out of moto: `node test/golden/make-collection.ts FOLDER`. Needs
 * moto_server. What is made once is kept for ever.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCollection } from '../../src/acquire/collect.ts';
import { SOURCES } from '../../src/acquire/index.ts';
import { resolveConfig } from '../../src/config/config.ts';
import { awsProxy } from '../servers/aws-proxy.ts';
import { moto, MOTO_ENV, stopMoto } from '../servers/moto.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('give the folder');
const out = resolve(folder, 'collection');
mkdirSync(out, { recursive: true });
Object.assign(process.env, MOTO_ENV);
const server = await moto({ skip: (message) => process.stderr.write(`${message}\n`) });
if (server === undefined) throw new Error('moto_server is not there');
const packages = mkdtempSync(join(tmpdir(), 'amber-golden-'));
await server.fill(packages);
const proxy = await awsProxy(server.endpoint, packages);
const report = await runCollection({
  functionName: 'checkout',
  config: resolveConfig({ destination: pathToFileURL(out).href }, {}),
  clients: { region: 'eu-central-1', endpoint: proxy.endpoint, paced: false },
  window: {},
  accessKeyIds: [],
  sources: SOURCES.map(({ name }) => name),
  signal: new AbortController().signal,
});
await proxy.close();
await stopMoto();
rmSync(packages, { recursive: true });
const commit = execFileSync('git', ['log', '-1', '--format=%h of %cs'], { encoding: 'utf8' }).trim();
writeFileSync(
  join(resolve(folder), 'made.txt'),
  `commit ${commit}, made by test/golden/make-collection.ts on Node ${process.version}\n`,
);
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
