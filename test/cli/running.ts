/** Runs `amber`, and a capture that tries to get out of what shows it. */
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Entry, Tier } from '../../src/contracts/evidence.ts';
import { main } from '../../src/cli/amber.ts';
import { bytesEntry, standardEntries } from '../case/captures.ts';
import { program, type Ran } from './program.ts';

export type { Ran } from './program.ts';

/** The built command. */
export async function amber(...argv: readonly string[]): Promise<Ran> {
  return program(argv);
}

/** The command line in this process: for what is told before a command does anything. */
export async function parsed(...argv: readonly string[]): Promise<Ran> {
  const [stdout, stderr] = [[] as Buffer[], [] as Buffer[]].map((pieces) => {
    const stream = Object.assign(new PassThrough(), { isTTY: false });
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    return { stream, text: () => Buffer.concat(pieces).toString() };
  });
  const code = await main(argv, { stdout: stdout!.stream, stderr: stderr!.stream, env: {} });
  await setImmediate(); // what was written last has come through
  return { code, out: stdout!.text(), err: stderr!.text() };
}

/** What would be markup in a page. */
const MARKUP = '<script>alert(1)</script><img src=x onerror="x">&';
/** What would move a cursor. */
const ANSI = '\u001b[31mred\u001b]0;title\u0007\u202eexe\n';

/** A capture whose names would like to write to the terminal. */
export function hostile(): readonly (Entry | Tier)[] {
  const processes = {
    self: 7,
    processes: [
      { pid: 1, ppid: 0, comm: 'init', argv: ['/sbin/init'], start: '2025-06-30T09:00:00.000Z', uid: 993 },
      {
        pid: 7,
        ppid: 1,
        comm: 'node',
        argv: ['node', 'index.mjs'],
        exe: { path: '/var/lang/bin/node' },
        start: '2025-06-30T09:00:01.000Z',
        uid: 993,
      },
      {
        pid: 9,
        ppid: 7,
        comm: ANSI,
        argv: [`/tmp/.x ${ANSI}`, '-c'],
        exe: { path: '/tmp/.x', deleted: true, sha256: 'ab'.repeat(32) },
        start: '2025-06-30T09:00:02.000Z',
        uid: 993,
      },
      { pid: 11, ppid: 12, comm: 'a', argv: ['circle-a'], uid: 1 },
      { pid: 12, ppid: 11, comm: 'b', argv: ['circle-b'], uid: 1 },
      'no object',
      { pid: 'x', argv: 7 },
    ],
  };
  const sockets = {
    inet: [
      {
        protocol: 'tcp',
        state: 'LISTEN',
        local: { address: '127.0.0.1', port: 9001 },
        remote: { address: '0.0.0.0', port: 0 },
        owners: [],
        unowned: 'no process that could be read holds it',
      },
      {
        protocol: 'tcp',
        state: 'ESTABLISHED',
        local: { address: '169.254.76.1', port: 4000 },
        remote: { address: '203.0.113.9', port: 4444 },
        owners: [{ pid: 9, fd: 3, comm: ANSI }],
      },
    ],
  };
  const findings = [
    {
      detector: 'quiet',
      severity: 'low',
      title: 'an archive in /tmp',
      technique: { id: 'T1105' },
      evidence: ['/tmp/a.zip'],
    },
    {
      detector: 'swap',
      severity: 'high',
      title: `the runtime runs ${ANSI} ${MARKUP}`,
      technique: { id: 'T1055' },
      evidence: ['/proc/9/exe', 7],
    },
    'no object',
  ];
  return [
    ...standardEntries().slice(0, 1),
    { kind: 'jsonl', path: 'live_response/findings.jsonl', source: 'amber', method: 'api', rows: findings },
    { kind: 'json', path: 'live_response/processes.json', source: '/proc', method: 'procfs', value: processes },
    { kind: 'json', path: 'live_response/sockets.json', source: '/proc/net', method: 'procfs', value: sockets },
    bytesEntry(`[root]/tmp/${Buffer.from(ANSI).toString('latin1')}`, 'x'),
    bytesEntry('recovered/9/exe', '\x7fELF'),
    { kind: 'absent', path: '[root]/tmp/\xff', source: ANSI, method: 'openat', outcome: 'failed', reason: ANSI },
  ];
}
