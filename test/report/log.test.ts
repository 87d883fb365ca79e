import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { logLine, MAX_LINE_BYTES, renderLine } from '../../src/report/log.ts';

const LOG = new URL('../../src/report/log.ts', import.meta.url).href;

function runScript(body: string, shell?: string): { stdout: string; status: number | null } {
  const script = `import { logLine } from ${JSON.stringify(LOG)};\n${body}`;
  const argv = ['--input-type=module', '-e', script];
  const child =
    shell === undefined
      ? spawnSync(process.execPath, argv, { encoding: 'utf8' })
      : spawnSync('sh', ['-c', shell, 'sh', process.execPath, ...argv], { encoding: 'utf8' });
  return { stdout: child.stdout, status: child.status };
}

const untimed = (text: string): string =>
  text.replaceAll(/"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/gu, '"timestamp":"<time>"');

test('a line is JSON with the kind first and stable keys', () => {
  const first = renderLine('segment', { z: 1, a: { d: 2, b: [{ y: 1, x: 2 }] }, amber: 'forged', size: 3n });
  assert.equal(
    untimed(first),
    '{"amber":"segment","level":"INFO","timestamp":"<time>","schema":1,"a":{"b":[{"x":2,"y":1}],"d":2},"size":"3","z":1}',
  );
  assert.equal(untimed(renderLine('segment', { a: 1, b: 2 })), untimed(renderLine('segment', { b: 2, a: 1 })));
  const said = JSON.parse(renderLine('segment', { level: 'DEBUG', timestamp: 'never' })) as Record<string, string>;
  assert.deepEqual([said['level'], Number.isNaN(Date.parse(said['timestamp'] ?? ''))], ['INFO', false]);
  assert.doesNotMatch(renderLine('fault', { message: 'a\nb\r\u2028c' }), /\n|\r/u);
});

test('a record that is too long keeps its scalars and says that it was shortened', () => {
  const record = {
    sha256: 'ab'.repeat(32),
    message: 'm'.repeat(50_000),
    segments: Array.from({ length: 5_000 }, (_, n) => `capture-${n}`),
  };
  const text = renderLine('capture', record);
  assert.ok(Buffer.byteLength(text) < MAX_LINE_BYTES);
  const line = JSON.parse(text) as Record<string, unknown>;
  assert.equal(line['sha256'], record.sha256);
  assert.equal(line['shortened'], true);
  assert.equal(line['segments'], undefined);
  const many = renderLine(
    'capture',
    Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, 'é'.repeat(200)])),
  );
  assert.ok(Buffer.byteLength(many) < MAX_LINE_BYTES);
});

test('cyclic and odd values do not throw', () => {
  const cyclic: Record<string, unknown> = { f: () => 1, s: Symbol('x'), u: undefined };
  cyclic['self'] = cyclic;
  assert.match(renderLine('fault', cyclic), /^\{"amber":"fault"/u);
});

test('it reaches standard output past a patched console and a patched stdout', () => {
  const { stdout } = runScript(`
    console.log = () => {}; process.stdout.write = () => true;
    logLine('segment', { number: 0 }); console.log('nothing');`);
  assert.equal(untimed(stdout), '{"amber":"segment","level":"INFO","timestamp":"<time>","schema":1,"number":0}\n');
});

test('a pipe that is full for a while gets the whole line, a dead one is contained', () => {
  const parts: string[] = [];
  let refusals = 3;
  const slow = (bytes: Uint8Array): number => {
    if (refusals-- > 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
    parts.push(Buffer.from(bytes.subarray(0, 20)).toString());
    return Math.min(20, bytes.length);
  };
  assert.equal(logLine('capture', { id: 'x' }, slow), true);
  assert.equal(
    untimed(parts.join('')),
    '{"amber":"capture","level":"INFO","timestamp":"<time>","schema":1,"id":"x"}\n',
  );

  const started = performance.now();
  const full = (): number => {
    throw Object.assign(new Error('full'), { code: 'EAGAIN' });
  };
  assert.equal(logLine('capture', { id: 'x' }, full), false);
  assert.ok(performance.now() - started < 500, 'the retries are bounded');
  assert.equal(
    logLine('capture', {}, () => {
      throw Object.assign(new Error('gone'), { code: 'EPIPE' });
    }),
    false,
  );
});

test('a line after a torn one stands on its own', () => {
  const parts: string[] = [];
  let calls = 0;
  const tearing = (bytes: Uint8Array): number => {
    if (calls++ > 0) throw Object.assign(new Error('gone'), { code: 'EPIPE' });
    parts.push(Buffer.from(bytes.subarray(0, 5)).toString());
    return 5;
  };
  assert.equal(logLine('capture', {}, tearing), false);
  assert.equal(
    logLine('segment', {}, (bytes) => {
      parts.push(Buffer.from(bytes).toString());
      return bytes.length;
    }),
    true,
  );
  assert.equal(untimed(parts.join('')), '{"amb\n{"amber":"segment","level":"INFO","timestamp":"<time>","schema":1}\n');
});

test('a closed standard output does not end the process', () => {
  const { status } = runScript(
    `import { closeSync } from 'node:fs'; closeSync(1); process.exitCode = logLine('capture', { id: 'x' }) ? 3 : 4;`,
  );
  assert.equal(status, 4);
});

test('lines through a pipe that is read slowly arrive whole', () => {
  const { stdout } = runScript(
    `for (let n = 0; n < 100; n += 1) logLine('segment', { n, text: 'x'.repeat(9000) });`,
    '"$@" | { sleep 0.2; cat; }',
  );
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { n: number; text: string });
  assert.deepEqual(
    lines.map((line) => line.n),
    Array.from({ length: 100 }, (_, n) => n),
  );
  assert.ok(lines.every((line) => line.text.length === 9000));
});
