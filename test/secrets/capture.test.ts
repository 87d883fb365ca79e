/**
 * The secrets policy, proven on whole captures: secrets are planted in every structured place that a function, its
 * callers and an attacker beside it can write to, and searched for in everything that the capture gives out.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { hasPeer, missing } from '../peers.ts';
import { freshTree } from '../adversary/hostile/trees.ts';
import { PEERS, runWhole, type WholeOptions } from '../adversary/hostile/whole.ts';

/** Told apart by where they stand, so that a leak names its place. Of those in file names none has a slash. */
const SECRETS = {
  known: 'Kn0wn+Secret=4%2x!', // in the environment of the function, and then everywhere
  short: 'Sh0rt-Pa55word', // fits in the name of a process
  environ: 'eNv1ron-0f-an0ther',
  url: 'uRl+pa55/word&x',
  option: 'opt10n-V4lue-zz',
  assigned: 'ass1gned.V4lue.qq',
  header: 'h34der.T0ken-abcdef123456',
  user: 'us3r-Passw0rd-ww',
  odd: '0dd-byt3s-s3cret-vv',
} as const;

const OWN = {
  session: 'IQoJb3JpZ2luX2VjEOwnSessionTokenOfTheFunction0123456789',
  secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYplantedKEY',
  own: 'own-argum3nt-p4ss',
  event: 'ev3nt-Passw0rd-55',
  query: 'qu3ry-t0ken-in-event',
  bearer: 'b3arer.Of.The.Event-998877',
  cookie: 's3ssion-c00kie-value-7',
  request: 'r3quest-Header-Api-Key-1',
  cause: 'c4use-Of-The-Err0r-t0ken',
} as const;

const ALL: readonly (readonly [string, string])[] = Object.entries({ ...SECRETS, ...OWN });

/** What stands for a secret in a text: itself, percent-encoded, and in base64 at each of its three alignments. */
function formsOf(secret: string): string[] {
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.from('x'.repeat(shift) + secret)
      .toString('base64')
      .replaceAll('=', '');
    // The first and the last character hold bits of what stands beside it.
    const core = encoded.slice(shift === 0 ? 0 : shift + 1, -1);
    forms.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...new Set(forms)];
}

/** Places at which any form of any secret stands, with what is around them. */
function leaks(name: string, content: Buffer): string[] {
  return ALL.flatMap(([which, secret]) =>
    formsOf(secret).flatMap((form) => {
      const found: string[] = [];
      for (let at = content.indexOf(form); at >= 0 && found.length < 20; at = content.indexOf(form, at + 1)) {
        const around = content
          .toString('latin1', Math.max(0, at - 200), at + form.length + 20)
          .replaceAll(/\0+/gu, ' ');
        found.push(`${which} in ${name}: ${around.slice(-120)}`);
      }
      return found;
    }),
  );
}

const folder = mkdtempSync(join(tmpdir(), 'amber-secrets-'));
const tree = freshTree();
after(() => {
  tree.remove();
  rmSync(folder, { recursive: true, force: true });
});

function jobWith(recipient: string | undefined): WholeOptions {
  const words = join(folder, 'words');
  writeFileSync(words, Object.values(SECRETS).join('\n'));
  const headers = {
    Authorization: `Bearer ${OWN.bearer}`,
    cookie: `session=${OWN.cookie}; theme=dark`,
    'x-api-key': OWN.request,
  };
  return {
    writable: [tree.path],
    options: { includeEvent: true, ...(recipient === undefined ? {} : { recipient }) },
    event: {
      headers,
      body: JSON.stringify({ user: 'bob', password: OWN.event }),
      isBase64Encoded: false,
      rawQueryString: `token=${OWN.query}&page=2`,
      encoded: Buffer.from(`password=${OWN.event}&x=1`).toString('base64'),
      nested: { [SECRETS.known]: 1, list: [`key ${SECRETS.known}`] },
    },
    error: {
      message: `request with ${SECRETS.known} failed`,
      config: { url: `https://bob:${encodeURIComponent(SECRETS.known)}@example.com/`, headers },
      response: { status: 401, body: `api_key=${OWN.cause}` },
    },
    argv: [`--db-password=${OWN.own}`, `https://example.com/?q=${encodeURIComponent(SECRETS.known)}`],
    env: {
      DB_PASSWORD: SECRETS.known,
      SHORT_PASSWORD: SECRETS.short,
      AWS_SECRET_ACCESS_KEY: OWN.secretKey,
      AWS_SESSION_TOKEN: OWN.session,
      AWS_ACCESS_KEY_ID: 'ASIAIOSFODNN7EXAMPLE',
      COPY_OF_IT: Buffer.from(SECRETS.known).toString('base64'),
    },
    beside: [`secrets=${words}`],
  };
}

const absent = [...PEERS, 'unshare'].filter((program) => !hasPeer(program));

describe('a whole capture with secrets in every structured place', () => {
  describe('without a recipient', () => {
    let run: Awaited<ReturnType<typeof runWhole>>;
    before(
      async () => {
        if (absent.length === 0) run = await runWhole(jobWith(undefined));
      },
      { timeout: 120_000 },
    );

    it('has none of them in the tarball: names, link targets, headers, evidence, manifest', (t) => {
      if (absent.length > 0) return void missing(t, absent.join(', '));
      const [tarball = ''] = globSync(`${run.evidence}/**/capture.tar.zst`);
      const tar = execFileSync('zstd', ['-dc', tarball], { maxBuffer: 2 ** 30 });
      assert.ok(tar.includes('worker') && tar.includes('ASIAIOSFODNN7EXAMPLE'));
      assert.deepEqual(leaks('the tarball', tar), []);
    });

    it('has none of them in manifest.json and SHA256SUMS', (t) => {
      if (absent.length > 0) return void missing(t, absent.join(', '));
      for (const file of globSync(`${run.evidence}/**/{manifest.json,SHA256SUMS}`))
        assert.deepEqual(leaks(file, readFileSync(file)), []);
    });

    it('has none of them on standard output', (t) => {
      if (absent.length > 0) return void missing(t, absent.join(', '));
      assert.deepEqual(leaks('the log', Buffer.from(run.log)), []);
    });
  });

  describe('with a recipient', () => {
    let run: Awaited<ReturnType<typeof runWhole>>;
    let identity = '';
    before(
      async () => {
        if (absent.length > 0) return;
        identity = await generateIdentity();
        run = await runWhole(jobWith(await identityToRecipient(identity)));
      },
      { timeout: 120_000 },
    );

    it('has none of them outside the age files', (t) => {
      if (absent.length > 0) return void missing(t, absent.join(', '));
      const files = globSync(`${run.evidence}/**/*.{age,json}`).concat(globSync(`${run.evidence}/**/SHA256SUMS`));
      assert.ok(files.some((file) => file.endsWith('.age')));
      for (const file of files) assert.deepEqual(leaks(file, readFileSync(file)), []);
      assert.deepEqual(leaks('the log', Buffer.from(run.log)), []);
    });

    it('has every one of them inside, as it was', async (t) => {
      if (absent.length > 0) return void missing(t, absent.join(', '));
      const decrypter = new Decrypter();
      decrypter.addIdentity(identity);
      const parts: Buffer[] = [];
      for (const file of globSync(`${run.evidence}/**/*.age`).sort())
        parts.push(Buffer.from(await decrypter.decrypt(readFileSync(file))));
      const tar = execFileSync('zstd', ['-dc'], { input: Buffer.concat(parts), maxBuffer: 2 ** 30 });
      const found = leaks('the age files', tar).map((line) => line.split(' ', 1)[0]);
      assert.deepEqual(
        ALL.map(([which]) => which).filter((which) => !found.includes(which)),
        [],
      );
    });
  });
});
