/**
 * What every channel of orders keeps to, whatever answers at the other end. Run it over a channel of your own:
 *
 * ```ts
 * testChannel(myChannel, { location: 'mine:NAME', says: …, refuses: …, actionOf: … });
 * ```
 *
 * The service is a double that speaks the protocol of the channel, since no real one fails on demand.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { isAmberError } from '../../src/errors.ts';
import type { ChannelProvider, ChannelUse, ControlChannel } from '../../src/ship/channels/index.ts';
import { parseOrder } from '../../src/trigger/order.ts';
import {
  BROKEN,
  configOf,
  environment,
  GARBAGE,
  MAX,
  ORDER,
  outcome,
  SECRET,
  Service,
  SOON_MS,
  TOKEN,
  type ChannelService,
} from './channel-service.ts';

const FOREGROUND: ChannelUse = { agent: () => Promise.resolve(undefined) };

async function seconds(work: Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work;
  return (performance.now() - started) / 1000;
}

export function testChannel(provider: ChannelProvider, service: ChannelService): void {
  const { location } = service;
  const check = (what: string, body: (server: Service, channel: ControlChannel) => Promise<void>): void => {
    for (const use of ['background', 'foreground'] as const)
      test(`${what}, in the ${use}`, { timeout: 60_000 }, async (t) => {
        const server = await new Service().listen(t);
        server.answers((asked) => service.says(ORDER, asked));
        const channel = await provider.open(
          location,
          configOf(location, server.endpoint),
          environment(server.endpoint),
          use === 'background' ? use : FOREGROUND,
        );
        t.after(() => channel.close());
        await body(server, channel);
      });
  };
  const recovers = async (server: Service, channel: ControlChannel): Promise<void> => {
    server.answers((asked) => service.says(ORDER, asked));
    // A service that names an interval is asked anew, since a fault ends the session.
    assert.equal(parseOrder(Buffer.from(await outcome(channel))).kind, 'idle', 'it reads again after a fault');
  };

  suite(`the channel ${provider.name}`, () => {
    test('says its scheme, and its actions in the words of IAM', () => {
      assert.equal(provider.protocol, `${provider.name}:`);
      assert.match(provider.description, /^[A-Z].*\.$/su);
      assert.ok(actionsOf(provider).length > 0, provider.description);
    });

    check('reads what stands there, and asks for no more than it says it needs', async (server, channel) => {
      assert.equal(channel.location, location);
      assert.equal(parseOrder(Buffer.from(await outcome(channel))).kind, 'idle');
      await outcome(channel);
      for (const asked of server.asked) {
        const action = service.actionOf(asked);
        assert.ok(actionsOf(provider).includes(action ?? ''), `${asked.method} ${asked.url} is ${String(action)}`);
        assert.match(
          asked.headers.authorization ?? '',
          /^AWS4-HMAC-SHA256 Credential=AKIDCHANNEL\/\d{8}\/eu-central-1/u,
        );
        assert.equal(asked.headers['x-amz-security-token'], TOKEN);
        assert.ok(!JSON.stringify(asked).includes(SECRET), 'the secret key does not travel');
      }
    });

    check('gives a fault for every refusal, with the code of the service', async (server, channel) => {
      const refusals: readonly (readonly [number, string])[] = [
        [403, 'AccessDeniedException'],
        [400, 'ThrottlingException'],
        [429, 'TooManyRequestsException'],
        [404, 'ResourceNotFoundException'],
        [500, 'InternalServerError'],
        [503, 'ServiceUnavailable'],
      ];
      for (const [status, code] of refusals) {
        server.answers(service.refuses(status, code));
        assert.equal(await outcome(channel), `fault ${code}`);
        await recovers(server, channel);
      }
    });

    check('takes a code of the service for no more than a word', async (server, channel) => {
      for (const code of ['A'.repeat(5000), '"}\u2028{"amber":"capture"', '../../x', '']) {
        server.answers(() => service.refuses(403, code));
        assert.match(await outcome(channel), /^fault /u);
      }
      await recovers(server, channel);
    });

    check('gives a fault or a body for garbage, and never throws', async (server, channel) => {
      for (const [what, body] of Object.entries(GARBAGE))
        for (const status of [200, 201, 403, 500]) {
          server.answers({ status, body });
          const came = await outcome(channel);
          if (status >= 400) assert.match(came, /^fault /u, what);
          // What is no order is never one, whichever way it comes.
          else assert.notEqual(parseOrder(Buffer.from(came)).kind, 'order', what);
        }
      await recovers(server, channel);
    });

    check('gives a fault where the connection breaks', async (server, channel) => {
      for (const [what, deed] of Object.entries(BROKEN)) {
        server.does(deed);
        assert.match(await outcome(channel), /^fault /u, what);
        await recovers(server, channel);
      }
    });

    check('takes no document that is longer than it may be', async (server, channel) => {
      server.answers((asked) => service.says(`{"pad":"${'x'.repeat(5 * MAX)}"}`, asked));
      const long = await outcome(channel);
      // A channel that makes its order from an answer leaves the rest of the answer out.
      if (channel.onlyAtTheEnd !== true) assert.equal(long, 'fault AnswerTooLong');
      await recovers(server, channel);
    });

    check('ends an answer without end', async (server, channel) => {
      let written = 0;
      server.does((response) => {
        response.on('error', () => undefined);
        response.writeHead(200);
        const more = (): void => {
          while (response.writable && response.write('x'.repeat(64 * 1024))) written += 64 * 1024;
          if (response.writable && !response.destroyed) response.once('drain', more);
        };
        more();
      });
      assert.match(await outcome(channel), /^fault AnswerTooLong/u);
      assert.ok(written < 64 * 1024 * 1024, `${String(written)} bytes were taken`);
      await recovers(server, channel);
    });

    check('follows nobody to another server', async (server, channel) => {
      const elsewhere: string[] = [];
      const other = createServer((request, response) => {
        elsewhere.push(request.url ?? '');
        response.end(ORDER);
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => other.once('listening', resolve));
      const to = `http://127.0.0.1:${String((other.address() as AddressInfo).port)}/`;
      for (const status of [301, 302, 307, 308]) {
        server.answers({ status, headers: { location: to }, body: ORDER });
        assert.match(await outcome(channel), /^fault /u);
      }
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
      assert.deepEqual(elsewhere, []);
    });

    check('ends soon when the signal aborts, before and while it reads', async (server, channel) => {
      server.does(() => undefined);
      assert.match(await outcome(channel, AbortSignal.abort()), /^fault /u);
      assert.equal(server.asked.length, 0, 'nothing is asked');
      const cut = new AbortController();
      const reading = outcome(channel, cut.signal);
      setTimeout(() => cut.abort(), 50);
      assert.ok((await seconds(reading)) < 2);
      assert.match(await reading, /^fault /u);
      await recovers(server, channel);
    });

    check('reads on when connections were dropped, and closes twice', async (server, channel) => {
      await outcome(channel);
      channel.dropConnections();
      channel.dropConnections();
      await outcome(channel);
      channel.close();
      channel.close();
      channel.dropConnections();
      assert.ok(server.asked.length > 0);
    });

    check('writes where it reads and nowhere else, and gives a fault for a refusal', async (server, channel) => {
      if (channel.write === undefined) return;
      server.answers({ status: 200, body: '{}' });
      const soon = (): AbortSignal => AbortSignal.timeout(SOON_MS);
      assert.equal((await channel.write(Buffer.from(ORDER), soon())).ok, true);
      const [put] = server.asked;
      server.answers((asked) => service.says(ORDER, asked));
      await outcome(channel);
      assert.equal(put?.url, server.asked.at(-1)?.url);
      for (const body of ['', '<html>', ORDER]) {
        server.answers({ status: 403, body });
        assert.equal((await channel.write(Buffer.from(ORDER), soon())).ok, false);
      }
      server.does((response) => void response.socket?.resetAndDestroy());
      assert.equal((await channel.write(Buffer.from(ORDER), soon())).ok, false);
      server.does(() => undefined);
      assert.equal((await channel.write(Buffer.from(ORDER), AbortSignal.timeout(50))).ok, false);
    });

    test('a strange place is an AmberError or a fault', async (t) => {
      const server = await new Service().listen(t);
      server.answers(service.refuses(404, 'ResourceNotFoundException'));
      for (const strange of [
        '',
        '/',
        '//',
        '/../../x',
        '?a=b#c',
        '\u0000\n',
        '%zz',
        'ü'.repeat(3000),
        ...service.strange,
      ])
        await provider
          .open(
            `${provider.protocol}${strange}`,
            configOf(location, server.endpoint),
            environment(server.endpoint),
            'background',
          )
          .then(
            async (channel) => {
              assert.match(await outcome(channel), /^fault /u, JSON.stringify(strange));
              channel.close();
            },
            (error: unknown) => assert.ok(isAmberError(error), `${JSON.stringify(strange)}: ${String(error)}`),
          );
    });

    test('is not opened without credentials', async () => {
      await assert.rejects(
        provider.open(location, configOf(location, 'http://127.0.0.1:9'), {}, 'background'),
        (error) => isAmberError(error) && error.code === 'DESTINATION_CREDENTIALS',
      );
    });
  });
}

/** The actions that a description names behind `Needs`. */
export function actionsOf({ description }: Pick<ChannelProvider, 'description'>): readonly string[] {
  const [, needs = ''] = /Needs ([^.;]*)/u.exec(description) ?? [];
  return [...needs.matchAll(/[a-z0-9]+:[A-Z]\w+/gu)].map(([action]) => action);
}
