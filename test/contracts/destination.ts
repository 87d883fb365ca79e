/**
 * What every destination keeps to. Run it over a destination of your own:
 *
 * ```ts
 * testDestination('my store', async (t, capture) => ({ destination, stored, refusesOverwrite: true }));
 * ```
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { CaptureIdentity, Destination, Receipt, StoredObject } from '../../src/contracts/evidence.ts';
import { isAmberError } from '../../src/errors.ts';

/** One opened destination, empty. */
export interface OpenedDestination {
  readonly destination: Destination;
  /**
   * What stands there under these names, joined in their order. A destination that joins segments gives its joined
   * file.
   */
  readonly stored: (names: readonly string[]) => Promise<Buffer>;
  /** False: nothing at the other end refuses to overwrite, so this cannot be shown there. */
  readonly refusesOverwrite: boolean;
  readonly cleanUp?: () => Promise<void> | void;
}

/** Undefined: the test was skipped, with a message. */
export type OpenDestination = (t: TestContext, capture: CaptureIdentity) => Promise<OpenedDestination | undefined>;

const MIB = 1024 * 1024;

/** A capture that nobody else has. */
export function identity(captureId: string = crypto.randomUUID()): CaptureIdentity {
  return { captureId, account: '111122223333', region: 'us-east-1', functionName: 'checkout', date: '2026-11-24' };
}

/** An object of so many bytes in several pieces. */
export function object(name: string, body: Uint8Array): StoredObject {
  const cut = Math.ceil(body.byteLength / 3);
  const pieces = [body.subarray(0, cut), body.subarray(cut, 2 * cut), body.subarray(2 * cut)];
  return { name, body: pieces, bytes: body.byteLength, sha256: sha256(body) };
}

export const segmentName = (number: number): string => `capture-${String(number).padStart(4, '0')}.tar.zst`;
export const sha256 = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
const never = new AbortController().signal;

export function testDestination(name: string, open: OpenDestination): void {
  const check = (what: string, body: (opened: OpenedDestination) => Promise<void>): void => {
    test(what, { timeout: 120_000 }, async (t) => {
      const opened = await open(t, identity());
      if (opened === undefined) return;
      try {
        await body(opened);
      } finally {
        opened.destination.close();
        await opened.cleanUp?.();
      }
    });
  };
  suite(`destination: ${name}`, () => {
    check('says where the capture stands', ({ destination }) => {
      assert.match(
        destination.location,
        /account=111122223333\/region=us-east-1\/function=checkout\/date=2026-11-24\/capture=[^/]+\/$/u,
      );
      return Promise.resolve();
    });
    check('stores what it is given: one byte, no byte, 8 MiB', async (opened) => storesBodies(opened));
    check('takes puts that overlap, and the manifest last', async (opened) => overlaps(opened));
    check('does not overwrite: it refuses, or takes another name and says which', async (opened) =>
      refusesOverwrite(opened),
    );
    check('ends soon when the signal aborts, before and while it puts', async (opened) => endsWithSignal(opened));
    check('closes twice, and takes nothing afterwards', async ({ destination }) => {
      await destination.put(object(segmentName(0), Buffer.from('x')), never);
      destination.close();
      destination.close();
      await rejected(destination.put(object(segmentName(1), Buffer.from('y')), never), /^DESTINATION_/u);
    });
  });
}

async function storesBodies({ destination, stored }: OpenedDestination): Promise<void> {
  const bodies = [Buffer.from('a'), Buffer.alloc(0), randomBytes(8 * MIB)];
  for (const [number, body] of bodies.entries()) {
    const receipt = await destination.put(object(segmentName(number), body), never);
    checkReceipt(receipt, body);
  }
  const whole = await stored(bodies.map((_, number) => segmentName(number)));
  assert.equal(sha256(whole), sha256(Buffer.concat(bodies)));
}

async function overlaps({ destination, stored }: OpenedDestination): Promise<void> {
  const bodies = Array.from({ length: 6 }, (_, number) => randomBytes(100_000 + number));
  const objects = bodies.map((body, number) => object(segmentName(number), body));
  // Started out of order: 0 comes after 1 and 2.
  const order = [1, 2, 0, 3, 5, 4];
  const receipts = await Promise.all(order.map(async (number) => destination.put(objects[number]!, never)));
  for (const [index, number] of order.entries()) checkReceipt(receipts[index]!, bodies[number]!);
  const manifest = Buffer.from(JSON.stringify({ segments: objects.map(({ name, sha256 }) => ({ name, sha256 })) }));
  checkReceipt(await destination.commit(object('manifest.json', manifest), never), manifest);
  assert.equal(sha256(await stored(objects.map(({ name }) => name))), sha256(Buffer.concat(bodies)));
  assert.equal(sha256(await stored(['manifest.json'])), sha256(manifest));
}

async function refusesOverwrite({ destination, stored, refusesOverwrite }: OpenedDestination): Promise<void> {
  await destination.put(object(segmentName(0), Buffer.from('first')), never);
  if (!refusesOverwrite) return;
  const again: unknown = await destination
    .put(object(segmentName(0), Buffer.from('second')), never)
    .catch((error: unknown) => error);
  if (isAmberError(again)) {
    assert.equal(again.code, 'DESTINATION_EXISTS', again.message);
    assert.ok(!again.message.includes('\n'));
  } else {
    const { name } = again as Receipt;
    assert.ok(name !== undefined && name !== segmentName(0));
    assert.equal((await stored([name])).toString(), 'second');
  }
  assert.equal((await stored([segmentName(0)])).toString(), 'first');
  await destination.commit(object('manifest.json', Buffer.from('{}')), never);
  await rejected(destination.commit(object('manifest.json', Buffer.from('[]')), never), /^DESTINATION_/u);
}

async function endsWithSignal({ destination }: OpenedDestination): Promise<void> {
  await rejected(destination.put(object(segmentName(0), Buffer.from('x')), AbortSignal.abort()), /^DESTINATION_/u);
  const cut = new AbortController();
  const started = performance.now();
  const put = destination.put(object(segmentName(1), randomBytes(8 * MIB)), cut.signal);
  setTimeout(() => cut.abort(), 1);
  // A fast store may have finished before the signal; what counts is that the call ends, and how it fails.
  await put.then(
    (receipt) => assert.equal(receipt.state, 'stored'),
    (error: unknown) => {
      assert.ok(isAmberError(error) && error.code.startsWith('DESTINATION_'), String(error));
    },
  );
  assert.ok(performance.now() - started < 5000);
}

function checkReceipt(receipt: Receipt, body: Uint8Array): void {
  assert.equal(receipt.state, 'stored');
  assert.ok(receipt.attempts >= 1);
  if (receipt.checksum !== undefined)
    assert.equal(receipt.checksum, createHash('sha256').update(body).digest('base64'));
  if (receipt.serverDate !== undefined) assert.ok(!Number.isNaN(Date.parse(receipt.serverDate)));
}

/** The AmberError that the promise must end in. */
export async function rejected(promise: Promise<unknown>, code: RegExp): Promise<Error> {
  const error: unknown = await promise.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(isAmberError(error), String(error));
  assert.match(error.code, code, error.message);
  return error;
}
