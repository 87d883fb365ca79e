/** Many things that say something together, for the cases of detectors. */
import type { ObservedFile, ObservedProcess } from '../../src/contracts/evidence.ts';
import { fileOf, processOf } from './scene.ts';

/** Files of three kinds with one more suffix. */
export function locked(count: number, suffix: string): ObservedFile[] {
  return Array.from({ length: count }, (_, at) =>
    fileOf({ path: `/tmp/orders/${at}.${['csv', 'json', 'pdf'][at % 3] ?? ''}.${suffix}` }),
  );
}

/** Processes of one program, each with the parent that it is given. */
export function copies(parent: (at: number) => number): ObservedProcess[] {
  return Array.from({ length: 31 }, (_, at) =>
    processOf({ pid: 40 + at, startTicks: 5000 + at, ppid: parent(at), exe: '/usr/bin/bash', argv: ['bash', 'x'] }),
  );
}

/** Packages that were unpacked in the tenth second, and a .pth file beside them. */
export function site(ctimeMs: number): ObservedFile[] {
  const folder = '/tmp/u/lib/python3.13/site-packages';
  return [
    fileOf({ path: `${folder}/colours/__init__.py` }),
    fileOf({ path: `${folder}/x.pth`, magic: 'text', startsCode: true, ctimeMs }),
  ];
}
