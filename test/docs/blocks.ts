/**
 * What becomes of every shell block of the documents: it is run here, run by another test, or listed with the reason.
 */

/** Where a block is run; test/docs/places.ts makes it. */
export type Where =
  | 'empty' // a folder with nothing in it but the command
  | 'case' // a folder with a case, captures, keys and logs, as a responder has it
  | 'bucket' // the same, and an S3 server with a capture
  | 'function'; // the same, and a control plane that knows the function `checkout`

export interface RunHere {
  readonly document: string;
  /** How the block begins. */
  readonly begins: string;
  readonly where: Where;
  /** Commands that find a problem, as they are meant to here: the exit code by the beginning of the command. */
  readonly problems?: Readonly<Record<string, number>>;
  /** Programs that it needs beside `amber`. */
  readonly peers?: readonly string[];
}

export interface Listed {
  readonly document: string;
  readonly begins: string;
  readonly why: string;
  /** The test that runs the same, and a text of it that shows so. */
  readonly shownBy?: readonly [file: string, holds: string];
}

const CLI = 'src/cli/README.md';

export const RUN_HERE: readonly RunHere[] = [
  { document: 'README.md', begins: 'amber captures', where: 'case' },
  { document: 'layer/README.md', begins: 'amber doctor', where: 'function', problems: { 'amber doctor': 1 } },
  {
    document: CLI,
    begins: 'amber doctor',
    where: 'function',
    problems: { 'amber doctor': 1, 'amber collect': 1, 'amber hunt': 1 },
  },
  { document: CLI, begins: 'amber captures s3:', where: 'bucket' },
  { document: CLI, begins: 'amber verify', where: 'case' },
  { document: CLI, begins: 'amber salvage', where: 'case', problems: { 'amber salvage cut': 1 } },
  { document: CLI, begins: 'amber trigger --new-key', where: 'empty' },
  { document: 'src/secrets/README.md', begins: 'age-keygen', where: 'empty', peers: ['age-keygen'] },
];

const BY_HAND = ['test/case/verify/by-hand.test.ts', "blockOf('src/cli/README.md'"] as const;
const DEMO = ['test/e2e/demo.test.ts', 'npm run demo'] as const;
const ACCOUNT = 'needs an AWS account';

export const LISTED: readonly Listed[] = [
  { document: CLI, begins: 'sha256sum -c', why: 'run on captures that are whole and on forged ones', shownBy: BY_HAND },
  {
    document: CLI,
    begins: 'sha256sum capture',
    why: 'run on captures that are whole and on forged ones',
    shownBy: BY_HAND,
  },
  { document: CLI, begins: 'mkdir parts', why: 'run on captures that are whole and on forged ones', shownBy: BY_HAND },
  { document: CLI, begins: 'cat capture', why: 'run on captures that are whole and on forged ones', shownBy: BY_HAND },
  { document: CLI, begins: 'for f in capture', why: 'run on sealed captures', shownBy: BY_HAND },
  {
    document: 'README.md',
    begins: 'npm ci && npm run demo',
    why: 'installs; the second line is the runner of this test',
    shownBy: DEMO,
  },
  {
    document: '.github/CONTRIBUTING.md',
    begins: 'npm ci && npm run demo',
    why: 'installs; the second line is the runner of this test',
    shownBy: DEMO,
  },
  { document: 'test/README.md', begins: 'npm ci && npm test', why: 'the runner of this test' },
  {
    document: 'src/README.md',
    begins: 'npm test',
    why: 'the runner of this test, and a bench that needs root',
    shownBy: ['test/adversary/attacks/miner/manifest.ts', 'miner'],
  },
  {
    document: 'layer/README.md',
    begins: 'npm run build:layer',
    why: 'builds every layer, which takes minutes',
    shownBy: ['test/layer/build.test.ts', 'buildLayers'],
  },
  { document: 'README.md', begins: 'npm run build:layer', why: ACCOUNT },
  { document: 'examples/bucket/README.md', begins: 'aws s3api create-bucket', why: ACCOUNT },
  { document: 'examples/bucket/README.md', begins: 'echo', why: ACCOUNT },
  { document: 'examples/layer/README.md', begins: 'aws s3 cp', why: ACCOUNT },
  { document: 'examples/probe/README.md', begins: 'sam deploy', why: ACCOUNT },
  { document: 'examples/probe/README.md', begins: 'date', why: ACCOUNT },
  {
    document: 'examples/probe/README.md',
    begins: 'aws logs',
    why: ACCOUNT,
    shownBy: ['test/layer/probe.test.ts', 'collect.mjs'],
  },
];
