import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { descriptors } from '../../src/collect/descriptors.ts';
import { sockets } from '../../src/collect/sockets.ts';
import { plant, SANDBOX } from '../fixtures/proc/sandbox.ts';
import { missing, requirePeer } from '../peers.ts';
import { python } from '../proc/actors.ts';
import { contextOf, valueOf } from './volatile.ts';

interface Socket {
  readonly protocol: string;
  readonly state: string;
  readonly inode: string;
  readonly path?: string;
  readonly local?: { address: string; port: number };
  readonly remote?: { address: string; port: number };
  readonly owners: { pid: number; fd: number }[];
  readonly unowned?: string;
}

interface Sockets {
  readonly inet: Socket[];
  readonly unix: Socket[];
  readonly elsewhere: { inode: string; owners: { pid: number }[] }[];
  readonly namespaces: { read: { namespace: string; through: unknown }[]; unread: number };
}

const recorded = plant(SANDBOX);

describe('sockets', () => {
  it('joins a recorded tree with its processes', async () => {
    const { inet, unix, elsewhere, namespaces } = await valueOf<Sockets>(sockets, contextOf(recorded));
    assert.deepEqual(
      inet.map(({ protocol, state, local, owners, unowned }) => [
        protocol,
        state,
        local?.port,
        owners.map(({ pid, fd }) => `${pid}/${fd}`),
        unowned,
      ]),
      [
        ['tcp', 'LISTEN', 9001, [], 'no process that could be read holds it'],
        ['tcp', 'ESTABLISHED', 54321, ['17/7'], undefined],
        ['tcp', 'TIME_WAIT', 54322, [], 'the kernel alone still holds it'],
        ['tcp6', 'LISTEN', 8080, ['9/18'], undefined],
        ['udp', 'ESTABLISHED', 33333, [], 'no process that could be read holds it'],
      ],
    );
    assert.deepEqual(inet[1]?.remote, { address: '93.181.216.5', port: 4444 });
    assert.deepEqual(
      unix.map(({ path, state, owners }) => [path, state, owners.map(({ pid }) => pid)]),
      [
        ['@abs\udcff\u0001name\nwith newline', 'LISTEN', [9]],
        ['', 'CONNECTED', []],
      ],
    );
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(namespaces, {
      read: [{ namespace: 'net:[4026531840]', through: 'self', failures: [], truncated: [] }],
      unread: 0,
    });
  });

  it('finds the connection and the abstract socket of a child', async (t) => {
    if (!requirePeer(t, 'python3')) return;
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const [child, [tcp, unix, port6, netlink]] = await python(
      t,
      `
import socket, sys, time
t = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
u = socket.socket(socket.AF_UNIX); u.bind(b'\\0amber-test\\n\\xff%d' % int(sys.argv[1])); u.listen(1)
l = socket.socket(socket.AF_INET6); l.bind(('::1', 0)); l.listen(1)
n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
print(t.fileno(), u.fileno(), l.getsockname()[1], n.fileno(), flush=True); time.sleep(600)`,
      String(port),
    );
    const found = await valueOf<Sockets>(sockets, contextOf());
    const out = found.inet.find(
      ({ protocol, remote, state }) => protocol === 'tcp' && remote?.port === port && state === 'ESTABLISHED',
    );
    assert.deepEqual(
      out?.owners.map(({ pid, fd }) => [pid, fd]),
      [[child.pid, Number(tcp)]],
    );
    const listening = found.inet.find(({ protocol, local }) => protocol === 'tcp6' && local?.port === Number(port6));
    assert.deepEqual(
      [listening?.local?.address, listening?.state, listening?.owners[0]?.pid],
      ['::1', 'LISTEN', child.pid],
    );
    const abstract = found.unix.find(({ path }) => path === `@amber-test\n\udcff${port}`);
    assert.deepEqual(
      [abstract?.state, abstract?.owners.map(({ pid, fd }) => [pid, fd])],
      ['LISTEN', [[child.pid, Number(unix)]]],
    );
    assert.ok(
      found.elsewhere.some(({ owners }) => owners.some((owner) => owner.pid === child.pid)),
      `netlink ${netlink} is in no table`,
    );
  });

  it('sees into other network namespaces', async (t) => {
    if (!requirePeer(t, 'python3', 'unshare')) return;
    if (process.getuid?.() !== 0) {
      missing(t, 'root');
      return;
    }
    const [, [pid]] = await python(
      t,
      `
import ctypes, os, socket, time
assert ctypes.CDLL(None).unshare(0x40000000) == 0
s = socket.socket(); s.bind(('0.0.0.0', 4711)); s.listen(1)
print(os.getpid(), flush=True); time.sleep(600)`,
    );
    const { inet, namespaces } = await valueOf<Sockets>(sockets, contextOf());
    assert.ok(namespaces.read.length >= 2);
    const hidden = inet.find(({ local, state }) => local?.port === 4711 && state === 'LISTEN');
    assert.deepEqual(
      hidden?.owners.map((owner) => owner.pid),
      [Number(pid)],
    );
  });
});

describe('descriptors', () => {
  it('gives one line each, with type, flags and what an epoll watches', async () => {
    const rows = await valueOf<Record<string, unknown>[]>(descriptors, contextOf(recorded));
    assert.deepEqual(
      rows.map(({ pid, fd, type, target, deleted }) => [pid, fd, type, target, deleted]),
      [
        [1, 0, 'file', '/dev/null', undefined],
        [9, 0, 'file', '/dev/null', undefined],
        [9, 3, 'anon_inode', 'anon_inode:[eventpoll]', undefined],
        [9, 18, 'socket', 'socket:[5001]', undefined],
        [9, 19, 'socket', 'socket:[5002]', undefined],
        [9, 20, 'file', '/tmp/dropped', true],
        [9, 21, 'memfd', '/memfd:stage2', true],
        [9, 22, 'file', '/tmp/\udcff\u001b[31m\ny', undefined],
        [17, 7, 'socket', 'socket:[5003]', undefined],
      ],
    );
    assert.deepEqual(rows[2]?.['details'], ['tfd: 18 events: 19 data: 12 pos:0 ino:5 sdev:8']);
    assert.deepEqual(rows[2]['flags'], { octal: '02000002', names: ['O_RDWR', 'O_CLOEXEC'] });
  });

  it('says how many it does not have', async () => {
    const rows = await valueOf<Record<string, unknown>[]>(
      descriptors,
      contextOf(recorded, {}, { limits: { descriptors: 2 } }),
    );
    assert.deepEqual(
      rows.filter(({ unread }) => unread !== undefined),
      [{ pid: 9, unread: 5 }],
    );
  });
});
