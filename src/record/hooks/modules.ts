/** Modules and native code that are loaded after init, by require() and by import(). */
import { nameOf } from '../origin.ts';
import { withoutSecrets } from '../withheld.ts';
import { member, textIn, type Hook, type HookScope } from './hook.ts';

export const modules: Hook = {
  name: 'modules',
  description: 'modules and native addons that are loaded after init; process.dlopen by itself tells nobody',
  kinds: ['module', 'addon'],
  arm: (scope) => {
    scope.subscribe('tracing:module.require:start', (message) =>
      tell(scope, textIn(member(message, 'id')), textIn(member(message, 'parentFilename'))),
    );
    scope.subscribe('tracing:module.import:start', (message) =>
      tell(scope, textIn(member(message, 'url')), textIn(member(message, 'parentURL'))),
    );
  },
};

function tell({ recorder }: HookScope, id: string, from: string): void {
  const subject = id.startsWith('data:') ? 'data:' : withoutSecrets(id);
  const kind = subject.endsWith('.node') ? 'addon' : 'module';
  recorder.put(kind, subject, from === '' ? {} : { origin: () => [nameOf(from)] });
}
