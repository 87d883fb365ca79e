/** All hooks of a Node process. */
import { children } from './children.ts';
import { connections, datagrams } from './connections.ts';
import type { Hook } from './hook.ts';
import { listeners } from './listeners.ts';
import { names } from './names.ts';
import { requests } from './requests.ts';
import { execve, scripts, workers } from './threads.ts';

export const HOOKS: readonly Hook[] = [
  children,
  connections,
  datagrams,
  names,
  requests,
  listeners,
  workers,
  scripts,
  execve,
];
