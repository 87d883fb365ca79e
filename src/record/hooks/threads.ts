/** Threads, scripts of node:vm, and the process that turns into another program. */
import { origin } from '../origin.ts';
import { member, textIn, textsIn, type Hook } from './hook.ts';

export const workers: Hook = {
  name: 'workers',
  description: 'threads that are started; what they do is not recorded, since no hook reaches into them',
  kinds: ['worker'],
  arm: ({ recorder, subscribe }) => {
    subscribe('worker_threads', (message) => {
      const id = member(member(message, 'worker'), 'threadId');
      recorder.put('worker', 'thread', { detail: { thread: typeof id === 'number' ? id : 0 }, origin });
    });
  },
};

export const scripts: Hook = {
  name: 'scripts',
  description: 'scripts that node:vm runs, by the code that runs them; eval and new Function tell nobody',
  kinds: ['vm'],
  arm: ({ recorder, before }) => {
    before('contextify', 'ContextifyScript.prototype.runInContext', () => {
      recorder.put('vm', 'script', { origin });
      return undefined;
    });
  },
};

export const execve: Hook = {
  name: 'execve',
  description: 'the process turns into another program',
  kinds: ['execve'],
  arm: ({ recorder, subscribe }) => {
    subscribe('process.execve', (message) => {
      recorder.put('execve', textIn(member(message, 'execPath')), { argv: textsIn(member(message, 'args')), origin });
    });
  },
};
