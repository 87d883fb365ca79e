import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { latin1, splitNul, toFsPath, toText } from '../../src/proc/bytes.ts';
import { parseCgroup, parseCgroupMounts } from '../../src/proc/cgroup.ts';
import { openFlagNames, parseFdInfo } from '../../src/proc/fdinfo.ts';
import { fieldOf, fieldPicker, sizesOf } from '../../src/proc/fields.ts';
import { parseLimits } from '../../src/proc/limits.ts';
import { linkInode, linkText, parseLink } from '../../src/proc/links.ts';
import { NO_STATUS, parseStat, parseStatus } from '../../src/proc/stat.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const STAT_TAIL =
  'S 7 8 9 34816 9 4194304 111 0 0 0 41 42 0 0 20 0 3 0 181978 2990080 438 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n';

describe('stat', () => {
  for (const comm of [
    'sleep',
    '',
    'a) S 1 (b',
    '))) R 0 0',
    'two\nlines',
    '(',
    ') (',
    '\xff\xfe\x00x'.replace('\0', ''),
  ]) {
    it(`takes the name ${JSON.stringify(comm)} as it is`, () => {
      const stat = parseStat(bytes(`4242 (${comm}) ${STAT_TAIL}`));
      assert.deepEqual(stat, {
        pid: 4242,
        comm,
        state: 'S',
        ppid: 7,
        processGroup: 8,
        session: 9,
        userTicks: 41,
        systemTicks: 42,
        threads: 3,
        startTicks: 181978,
        rssPages: 438,
        layout: '',
      });
    });
  }

  it('refuses what is no stat file', () => {
    for (const text of ['', '12', '12 (x', ') 12 (', '12 (x) S 1', 'x (y) S 1 2 3'])
      assert.equal(parseStat(bytes(text)), undefined, text);
  });

  it('agrees with the kernel about ourselves', () => {
    const stat = parseStat(readFileSync('/proc/self/stat'));
    assert.equal(stat?.pid, process.pid);
    assert.equal(stat.ppid, process.ppid);
    assert.match(stat.layout, /^\d{5,}:\d{5,}:\d{5,}$/u);
    assert.ok(Math.abs(stat.rssPages * 4096 - process.memoryUsage.rss()) < 2 ** 26);
    const { uid, gid, slots } = parseStatus(readFileSync('/proc/self/status'));
    assert.deepEqual([uid, gid], [process.getuid?.(), process.getgid?.()]);
    assert.ok(slots >= readdirSync('/proc/self/fd').length);
  });
});

describe('fields', () => {
  // The kernel writes a newline of the name as \n (two characters), so a name cannot add a line.
  const STATUS =
    'Name:\tevil\\nUid:\\t0\nUmask:\t0022\nUid:\t993\t993\t993\t993\nGid:\t990\t990\t990\t990\nVmRSS:\t    1752 kB\nThreads:\t1\n';

  it('finds a field at the start of a line only', () => {
    assert.equal(fieldOf(STATUS, 'Name'), 'evil\\nUid:\\t0');
    assert.equal(fieldOf(STATUS, 'Uid'), '993\t993\t993\t993');
    assert.equal(fieldOf(STATUS, 'Threads'), '1');
    assert.equal(fieldOf(STATUS, 'RSS'), undefined);
    assert.equal(fieldOf('', 'Name'), undefined);
    assert.deepEqual(fieldPicker(['Gid', 'Name', 'Nothing'])(bytes(STATUS)), {
      Name: 'evil\\nUid:\\t0',
      Gid: '990\t990\t990\t990',
    });
    assert.deepEqual(fieldPicker(['A', 'B'])(bytes('no colon\nA: 1\nA: 2\nB:3\nxA: 4')), { A: '1', B: '3' });
    assert.deepEqual(parseStatus(bytes(STATUS)), { uid: 993, gid: 990, slots: Infinity });
    assert.deepEqual(parseStatus(bytes('Name:\tx\n')), NO_STATUS);
  });

  it('gives sizes in bytes', () => {
    assert.ok((sizesOf(readFileSync('/proc/meminfo'))['MemTotal'] ?? 0) > 1024 * 1024);
    assert.deepEqual(sizesOf(bytes(STATUS)), { VmRSS: 1752 * 1024 });
    // Carriage returns of a name are not escaped.
    assert.deepEqual(sizesOf(bytes('Name:\t\rVmRSS:\t1 kB\r\nVmRSS:\t 2 kB\n')), { VmRSS: 2048 });
    assert.deepEqual(fieldPicker(['Seccomp'])(bytes('Name:\t\rSeccomp:\t0\nSeccomp:\t2\n')), { Seccomp: '2' });
    assert.deepEqual(sizesOf(bytes('Active(anon):     12 kB\nHugePages_Total:       0\n')), {
      'Active(anon)': 12 * 1024,
    });
  });
});

describe('limits', () => {
  it('reads numbers, unlimited and names with blanks', () => {
    const limits = parseLimits(readFileSync('/proc/self/limits'));
    assert.equal(limits.length, 16);
    const open = limits.find((limit) => limit.name === 'Max open files');
    assert.match(open?.soft ?? '', /^\d+$/u);
    assert.equal(open?.unit, 'files');
    assert.ok(limits.some((limit) => limit.name === 'Max nice priority' && limit.unit === ''));
    assert.deepEqual(parseLimits(Buffer.alloc(0)), []);
  });
});

describe('cgroup', () => {
  it('keeps colons and newline-like escapes of a path', () => {
    assert.deepEqual(parseCgroup(bytes('5:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/x\\012y\nnonsense\n')), [
      { hierarchy: 5, controllers: ['cpu', 'cpuacct'], path: '/a:b' },
      { hierarchy: 1, controllers: ['name=systemd'], path: '/' },
      { hierarchy: 0, controllers: [], path: '/x\\012y' },
    ]);
  });

  it('finds the mounts', () => {
    const text =
      '35 31 0:32 / /sys/fs/cgroup/mem\\040ory rw,relatime shared:9 - cgroup cgroup rw,memory\n' +
      '41 31 0:38 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n27 1 254:0 / / rw - ext4 /dev/vda rw\n';
    assert.deepEqual(parseCgroupMounts(bytes(text)), [
      { version: 1, root: '/', mountPoint: '/sys/fs/cgroup/mem ory', options: ['rw', 'memory'] },
      { version: 2, root: '/box', mountPoint: '/sys/fs/cgroup', options: ['rw', 'nsdelegate'] },
    ]);
  });
});

describe('fdinfo', () => {
  it('keeps what an epoll watches', () => {
    const info = parseFdInfo(
      bytes(
        'pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1057\ntfd:       14 events:       19 data:  pos:0\ntfd: 5 events: 1\n',
      ),
    );
    assert.deepEqual(info, {
      position: '0',
      flags: '02000002',
      mount: 15,
      details: ['tfd: 14 events: 19 data: pos:0', 'tfd: 5 events: 1'],
    });
    assert.deepEqual(openFlagNames('02000002'), ['O_RDWR', 'O_CLOEXEC']);
    assert.deepEqual(openFlagNames('0102001'), ['O_WRONLY', 'O_APPEND']);
    assert.deepEqual(openFlagNames('x'), []);
  });

  it('bounds the lines', () => {
    const { details } = parseFdInfo(bytes('inotify wd:1\n'.repeat(100_000)));
    assert.deepEqual([details.length, details.at(-1)], [65, 'and 99936 more lines']);
  });
});

describe('links', () => {
  it('takes the suffix off and gives it back', () => {
    for (const text of [
      '/tmp/x',
      '/tmp/x (deleted)',
      '/tmp/x (deleted) (deleted)',
      '/memfd:n (deleted)',
      'socket:[12]',
      ' (deleted)',
      '',
    ]) {
      assert.equal(linkText(parseLink(text)), text);
    }
    assert.deepEqual(parseLink('/tmp/x (deleted) (deleted)'), { target: '/tmp/x (deleted)', deleted: true });
  });

  it("takes an inode only from the kernel's own forms", () => {
    assert.equal(linkInode('socket:[123]'), '123');
    assert.equal(linkInode('/tmp/socket:[123]'), undefined);
    assert.equal(linkInode('anon_inode:[eventpoll]'), undefined);
    assert.equal(linkInode('mnt:[4026531841]'), '4026531841');
  });
});

describe('bytes', () => {
  it('splits at NUL and keeps empty items', () => {
    assert.deepEqual(splitNul(bytes('a\0\0b\0')), ['a', '', 'b']);
    assert.deepEqual(splitNul(bytes('a\0b')), ['a', 'b']);
    assert.deepEqual(splitNul(bytes('\0')), ['']);
    assert.deepEqual(splitNul(bytes('')), []);
  });

  it('turns any bytes into text and JSON without loss', () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));
    const samples = [
      all,
      'plain',
      latin1(Buffer.from('grüße €𝄞')),
      '\xc3',
      'a\xe2\x82',
      '\xed\xa0\x80',
      '\xf4\x90\x80\x80',
      '\xc0\xaf',
      '\xef\xbb\xbfx',
    ];
    for (const sample of samples)
      assert.equal(escapeBack(JSON.parse(JSON.stringify(toText(sample))) as string), sample);
    assert.equal(toText(latin1(Buffer.from('grüße €𝄞'))), 'grüße €𝄞');
    assert.equal(toText('\xff'), '\udcff');
  });

  it('gives fs the bytes themselves', () => {
    assert.equal(toFsPath('/tmp/x'), '/tmp/x');
    assert.deepEqual(toFsPath('/tmp/\xff'), Buffer.from([0x2f, 0x74, 0x6d, 0x70, 0x2f, 0xff]));
  });
});

/** What os.fsencode does in Python. */
function escapeBack(text: string): string {
  let back = '';
  for (const char of text) {
    const code = char.charCodeAt(0);
    back +=
      char.length === 1 && code >= 0xdc80 && code <= 0xdcff
        ? String.fromCharCode(code - 0xdc00)
        : latin1(Buffer.from(char));
  }
  return back;
}
