/** Requests by HTTP: method and host, with AMBER_RECORD=paths the path. Never a query, a header, a body. */
import { origin } from '../origin.ts';
import { namedHost } from '../withheld.ts';
import { member, textIn, type Hook, type HookScope } from './hook.ts';

const MAX_PATH = 120;
/** Paths of Lambda's own APIs, which hold nothing of the function's. */
const OF_LAMBDA = /^\/20\d\d-\d\d-\d\d\/(?:runtime|extension|telemetry|logs)\b[\w/-]*/u;
const METHOD = /^[A-Z]{1,16}$/u;

export const requests: Hook = {
  name: 'requests',
  description: 'requests by node:http, node:https and fetch: method and domain, with `paths` host and path',
  kinds: ['request'],
  arm: (scope) => {
    scope.subscribe('http.client.request.created', (message) => {
      const request = member(message, 'request');
      const scheme = textIn(member(request, 'protocol')) || 'http:';
      tell(scope, request, `${scheme}//`, textIn(member(request, 'host')));
    });
    scope.subscribe('undici:request:create', (message) => {
      const request = member(message, 'request');
      const { protocol, hostname, port } = new URL(String(member(request, 'origin')));
      tell(scope, request, `${protocol}//`, hostname, port === '' ? '' : `:${port}`);
    });
  },
};

function tell({ recorder, whole }: HookScope, request: unknown, scheme: string, name: string, port = ''): void {
  const given = textIn(member(request, 'method')).toUpperCase();
  const method = METHOD.test(given) ? given : 'OTHER';
  const [path = ''] = textIn(member(request, 'path')).split(/[?#]/u, 1);
  const shown = whole ? path.slice(0, MAX_PATH) : (OF_LAMBDA.exec(path)?.[0] ?? '');
  const { host, detail } = namedHost(name, { whole });
  recorder.put('request', `${method} ${scheme}${host}${port}${shown}`, { ...(detail ? { detail } : {}), origin });
}
