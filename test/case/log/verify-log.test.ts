import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesEntry, makeCapture } from '../captures.ts';
import { failedChecks, findings, verify, withLog } from '../checking.ts';
import { sha256 } from '../forge.ts';

describe('the log', () => {
  test('gives away a capture that was made anew as a whole', async () => {
    const real = await makeCapture();
    const fake = await makeCapture({ entries: [bytesEntry('[root]/tmp/harmless', 'nothing to see')] });
    assert.equal((await verify(fake.folder)).verdict, 'verified', 'without the log it looks right');
    const result = await verify(fake.folder, withLog(real.log));
    assert.deepEqual(failedChecks(result), ['log']);
    assert.match(findings(result), /segment 0 is [0-9a-f]{64}, the log says [0-9a-f]{64}/u);
    assert.match(findings(result), /manifest\.json is/u);
  });

  test('with two digests for one segment is tampering', async () => {
    const made = await makeCapture();
    const line = {
      amber: 'segment',
      capture: made.manifest.captureId,
      segment: 1,
      object: 'x',
      bytes: 1,
      sha256: sha256('fake'),
      chain: null,
    };
    const result = await verify(made.folder, withLog(`${JSON.stringify(line)}\n${made.log}`));
    assert.deepEqual(failedChecks(result), ['log']);
    assert.match(findings(result), /2 different digests for segment 1: somebody has tampered/u);
  });

  test('is read in every form in which CloudWatch gives it', async () => {
    const made = await makeCapture();
    const lines = made.log.trimEnd().split('\n');
    const forms: Record<string, string> = {
      'raw with text around': lines.map((line) => `2025-06-30T09:16:41Z\t${line} trailing`).join('\n'),
      'filter-log-events': JSON.stringify({ events: lines.map((message) => ({ timestamp: 1, message })) }, null, 4),
      'one line of it': JSON.stringify({ events: lines.map((message) => ({ timestamp: 1, message })) }),
      'a string in a string': JSON.stringify({
        Records: [{ body: JSON.stringify({ logEvents: lines.map((message) => ({ message })) }) }],
      }),
      'JSON log format': lines
        .map((line) =>
          JSON.stringify({
            timestamp: 'x',
            type: 'app',
            record: line.startsWith('{') ? (JSON.parse(line) as unknown) : line,
          }),
        )
        .join('\n'),
    };
    for (const [name, log] of Object.entries(forms)) {
      const result = await verify(made.folder, withLog(log));
      assert.equal(result.verdict, 'verified', `${name}: ${findings(result)}`);
      assert.match(
        result.checks.find((check) => check.name === 'log')?.detail ?? '',
        new RegExp(`^${made.segments.length} segments .* and so has manifest\\.json$`, 'u'),
        name,
      );
    }
  });

  test('of something else is no anchor, and no proof of tampering', async () => {
    const made = await makeCapture();
    const foreign = 'START\nhello\n{"amber":"segment","capture":"other","segment":0,"sha256":"x"}\n';
    const { verdict, log, checks, summary } = await verify(made.folder, withLog(foreign));
    assert.deepEqual([verdict, log], ['verified', 'no-line']);
    const check = checks.find(({ name }) => name === 'log');
    assert.deepEqual([check?.state, check?.findings], ['not-checked', []]);
    assert.match(check?.detail ?? '', /^there is no line of this capture in it, only of other; is it the log of/u);
    assert.match(summary, /^not verified against the log, which has no line of this capture; else verified: /u);
  });

  test('gives away a capture that has another id by the digests of its segments', async () => {
    const made = await makeCapture();
    const result = await verify(made.folder, withLog(made.log.replaceAll(made.manifest.captureId, 'another')));
    assert.deepEqual([result.verdict, failedChecks(result)], ['failed', ['log']]);
    assert.match(findings(result), /has the digest of its first segment in lines of another: somebody/u);
  });

  test('that lacks lines is said to', async () => {
    const made = await makeCapture();
    const some = made.log
      .split('\n')
      .filter((line) => !line.includes('"segment":1,'))
      .join('\n');
    const result = await verify(made.folder, withLog(some));
    assert.equal(result.verdict, 'verified');
    assert.match(result.checks.find(({ name }) => name === 'log')?.detail ?? '', /it has no line of segment 1/u);
  });
});
