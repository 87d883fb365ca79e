/** Somebody in the process wants to read what is sent: he stands in the way with a certificate of his own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { identity, object, rejected, segmentName } from '../../contracts/destination.ts';
import { requirePeer } from '../../peers.ts';
import { fauxqs } from '../../servers/fauxqs.ts';
import { forwardProxy } from '../../servers/forward-proxy.ts';
import { openS3, TRANSPORTS } from '../../ship/s3-opened.ts';

const never = new AbortController().signal;

function putBack(before: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in before)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, before);
}

suite('a server with a certificate that nobody trusts', () => {
  for (const transport of TRANSPORTS) {
    test(`gets nothing, though NODE_TLS_REJECT_UNAUTHORIZED is 0 and AWS_CA_BUNDLE names it (${transport})`, async (t) => {
      if (!requirePeer(t, 'openssl')) return;
      const folder = mkdtempSync(join(tmpdir(), 'amber-tls-'));
      const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:P-256',
          '-nodes',
          '-days',
          '2',
          '-subj',
          '/CN=127.0.0.1',
          '-addext',
          'subjectAltName=IP:127.0.0.1',
          '-keyout',
          key,
          '-out',
          cert,
        ],
        { stdio: 'ignore' },
      );
      let requests = 0;
      const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
        requests += 1;
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const before = { ...process.env };
      t.after(() => {
        putBack(before);
        server.close();
        rmSync(folder, { recursive: true });
      });
      Object.assign(process.env, { NODE_TLS_REJECT_UNAUTHORIZED: '0', AWS_CA_BUNDLE: cert });
      const endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const destination = await openS3(
        { endpoint, bucket: 'evidence', keys: { accessKeyId: 'AKIDTLS', secretAccessKey: 'tls-secret' } },
        transport,
        identity(),
      );
      const error = await rejected(
        destination.put(object(segmentName(0), Buffer.from('evidence')), never),
        /^DESTINATION_UNTRUSTED$/u,
      );
      destination.close();
      assert.match(error.message, /certificate of the endpoint is not trusted/u);
      assert.equal(requests, 0);
    });
  }
});

suite('a proxy that somebody in the sandbox names', () => {
  for (const transport of TRANSPORTS) {
    test(`sees nothing (${transport})`, async (t) => {
      const server = await fauxqs();
      server.createBucket('evidence');
      const port = Number(new URL(server.endpoint).port);
      const proxy = await forwardProxy({ securePort: port, plainPort: port });
      const before = { ...process.env };
      t.after(async () => {
        putBack(before);
        await proxy.close();
        await server.stop();
      });
      for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY'])
        for (const variable of [name, name.toLowerCase()]) process.env[variable] = proxy.url;
      process.env['NODE_USE_ENV_PROXY'] = '1';
      const destination = await openS3(
        {
          endpoint: server.endpoint,
          bucket: 'evidence',
          keys: { accessKeyId: 'AKIDPROXY', secretAccessKey: 'secret' },
        },
        transport,
        identity(),
      );
      const receipt = await destination.put(object(segmentName(0), Buffer.from('evidence')), never);
      destination.close();
      assert.equal(receipt.state, 'stored');
      assert.deepEqual(proxy.seen, []);
    });
  }
});
