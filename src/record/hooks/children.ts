/** Starts of children: every way of node:child_process ends in one of these two functions. */
import { defined } from '../../defined.ts';
import { origin } from '../origin.ts';
import { withoutSecrets } from '../withheld.ts';
import { member, textIn, textsIn, type Hook, type HookScope } from './hook.ts';

/** Variables that make a program load code, or send its requests elsewhere. */
const LEADING = /^(?:NODE_OPTIONS|NODE_PATH|LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|PYTHONPATH|PYTHONSTARTUP|BASH_ENV)=/u;
const MAX_STDIO = 4;

interface Start {
  readonly file: unknown;
  readonly args: unknown;
  readonly variables: unknown;
  readonly stdio: unknown;
}

export const children: Hook = {
  name: 'children',
  description: 'starts of children with arguments, pipes and what leads them elsewhere, the synchronous ones too',
  kinds: ['spawn'],
  arm: (scope) => {
    scope.before('spawn_sync', 'spawn', ([options]) => {
      tell(scope, startOf(options), undefined);
      return undefined;
    });
    scope.before('process_wrap', 'Process.prototype.spawn', (args, self) => {
      const [first, second, , variables, stdio] = args;
      // Node 24 passes each by its place, Node 22 an object with all of them.
      const start = typeof first === 'string' ? { file: first, args: second, variables, stdio } : startOf(first);
      return () => tell(scope, start, member(self, 'pid'));
    });
  },
};

function startOf(options: unknown): Start {
  return {
    file: member(options, 'file'),
    args: member(options, 'args'),
    variables: member(options, 'envPairs'),
    stdio: member(options, 'stdio'),
  };
}

function tell({ recorder, env }: HookScope, { file, args, variables, stdio }: Start, pid: unknown): void {
  const child = typeof pid === 'number' && pid > 0 ? pid : undefined;
  const led = leading(variables, env);
  recorder.put('spawn', textIn(file), {
    argv: textsIn(args),
    lineage: defined({ child, stdio: stdioOf(stdio) }),
    ...(led === '' ? {} : { detail: { env: led } }),
    origin,
  });
}

function stdioOf(stdio: unknown): readonly string[] {
  if (!Array.isArray(stdio)) return [];
  return stdio.slice(0, MAX_STDIO).map((one) => {
    const type = textIn(member(one, 'type'));
    if (type === 'wrap') return textIn(member(one, 'wrapType')) === 'pipe' ? 'pipe' : 'socket';
    const fd = member(one, 'fd');
    return type === 'fd' && typeof fd === 'number' ? `fd ${fd}` : type;
  });
}

/** Those that the child is given and that this process was not started with. */
function leading(variables: unknown, env: HookScope['env']): string {
  if (!Array.isArray(variables)) return '';
  return variables
    .filter((one): one is string => {
      if (typeof one !== 'string' || !LEADING.test(one)) return false;
      const equals = one.indexOf('=');
      return env[one.slice(0, equals)] !== one.slice(equals + 1);
    })
    .map(withoutSecrets)
    .join(' ');
}
