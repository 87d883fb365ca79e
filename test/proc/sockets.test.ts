import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, createConnection, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { parseInet } from '../../src/proc/net.ts';
import { parseUnix } from '../../src/proc/unix.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

function row(local: string, remote: string, state: string, inode = '77'): string {
  return `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000   993        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;
}

describe('tcp and udp', () => {
  it('reads IPv4 addresses, ports and states', () => {
    const [listening, closing] = parseInet(
      bytes(HEAD + row('0100007F:1F90', '00000000:0000', '0A') + row('0A01A8C0:C350', '08080808:01BB', '06', '0')),
      'tcp',
    );
    assert.deepEqual(listening, {
      local: { address: '127.0.0.1', port: 8080 },
      remote: { address: '0.0.0.0', port: 0 },
      state: 'LISTEN',
      uid: 993,
      inode: '77',
      sendQueue: 0,
      receiveQueue: 0,
    });
    assert.deepEqual(
      [closing?.local.address, closing?.remote, closing?.state, closing?.inode],
      ['192.168.1.10', { address: '8.8.8.8', port: 443 }, 'TIME_WAIT', '0'],
    );
  });

  it('writes IPv6 addresses as RFC 5952 does', () => {
    const addresses: readonly (readonly [string, string])[] = [
      ['00000000000000000000000000000000', '::'],
      ['00000000000000000000000001000000', '::1'],
      ['B80D0120000000000000000001000000', '2001:db8::1'],
      ['B80D0120010000000000000001000000', '2001:db8:0:1::1'],
      ['0000000000000000FFFF00000100000A', '::ffff:10.0.0.1'],
      ['000080FE00000000FF565002BEB8DEFE', 'fe80::250:56ff:fede:b8be'],
    ];
    for (const [hex, address] of addresses) {
      assert.equal(
        parseInet(bytes(HEAD + row(`${hex}:0050`, `${'0'.repeat(32)}:0000`, '0A')), 'tcp6')[0]?.local.address,
        address,
      );
    }
  });

  it('has a word of its own for unconnected UDP, and one for states that do not exist yet', () => {
    const table = bytes(HEAD + row('00000000:0044', '00000000:0000', '07'));
    assert.equal(parseInet(table, 'udp')[0]?.state, 'UNCONN');
    assert.equal(parseInet(table, 'tcp')[0]?.state, 'CLOSE');
    assert.equal(parseInet(bytes(HEAD + row('00000000:0044', '00000000:0000', 'F1')), 'tcp')[0]?.state, 'UNKNOWN(241)');
  });

  it('passes over lines of another form', () => {
    assert.deepEqual(parseInet(bytes('nonsense\n\n  9: x\n'), 'tcp'), []);
  });

  it('finds a connection that exists', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = createConnection(port, '127.0.0.1');
    await once(client, 'connect');
    const sockets = parseInet(readFileSync('/proc/net/tcp'), 'tcp');
    assert.ok(sockets.some((socket) => socket.state === 'LISTEN' && socket.local.port === port));
    assert.ok(
      sockets.some(
        (socket) =>
          socket.state === 'ESTABLISHED' && socket.local.port === client.localPort && socket.remote.port === port,
      ),
    );
    client.destroy();
    server.close();
  });
});

describe('unix', () => {
  const UNIX_HEAD = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  const unix = (flags: string, state: string, inode: string, path: string): string =>
    `0000000000000000: 00000002 00000000 ${flags} 0001 ${state} ${inode}${path === '' ? '' : ` ${path}`}\n`;

  it('reads listening, connected, unbound and abstract sockets', () => {
    const sockets = parseUnix(
      bytes(
        UNIX_HEAD +
          unix('00010000', '01', '  9', '/run/a b.sock') +
          unix('00000000', '03', '10', '') +
          unix('00010000', '01', '11', '@\xff@x\x07'),
      ),
    );
    assert.deepEqual(sockets, [
      { type: 'stream', state: 'LISTEN', inode: '9', path: '/run/a b.sock' },
      { type: 'stream', state: 'CONNECTED', inode: '10', path: '' },
      { type: 'stream', state: 'LISTEN', inode: '11', path: '@\xff@x\x07' },
    ]);
  });

  it('gives a line that is no row to the name before it', () => {
    const sockets = parseUnix(
      bytes(UNIX_HEAD + unix('00010000', '01', '12', '@one\ntwo\n\nfour') + unix('00000000', '03', '13', '')),
    );
    assert.deepEqual(
      sockets.map(({ inode, path }) => [inode, path]),
      [
        ['12', '@one\ntwo\n\nfour'],
        ['13', ''],
      ],
    );
  });
});
