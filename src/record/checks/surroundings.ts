/** Prototypes of the language, variables that lead code and requests elsewhere, and the debugger. */
import { withoutSecrets } from '../withheld.ts';
import { TURN, type Check, type Teller } from './check.ts';
import type { Armed } from '../armed.ts';

/**
 * Variables whose change leads code or requests elsewhere. Node asks libuv for each, a microsecond, so an invocation
 * compares one of them and nothing else.
 */
export const VARIABLES: readonly string[] = [
  'AWS_LAMBDA_RUNTIME_API',
  'NODE_OPTIONS',
  'NODE_PATH',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'PYTHONPATH',
  'BASH_ENV',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL_STS',
  'AWS_ENDPOINT_URL_LAMBDA',
  'AWS_ENDPOINT_URL_DYNAMODB',
  'AWS_CA_BUNDLE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'AWS_CONFIG_FILE',
  '_HANDLER',
];

export function variableChecks({ env, initial }: Pick<Armed, 'env' | 'initial'>): Check[] {
  return VARIABLES.map((name) => {
    let value = initial[name];
    return {
      weight: TURN,
      ask: (recorder) => {
        const now = env[name];
        if (now === value) return;
        value = now;
        recorder.put('variable', now === undefined ? name : `${name}=${withoutSecrets(now)}`);
      },
    };
  });
}

const PROTOTYPES: Readonly<Record<string, object>> = {
  Object: Object.prototype,
  Array: Array.prototype,
  Function: Function.prototype,
  String: String.prototype,
  Promise: Promise.prototype,
};

export interface PrototypeChecks {
  /** Asked at each invocation: a name that shows up in every loop. */
  readonly each: (recorder: Teller) => void;
  /** Names that do not, in turns. */
  readonly inTurns: readonly Check[];
}

/** A polluted prototype adds a name to every object. What stood there at init is known. */
/** @param polluted - {@link Armed.polluted} */
export function prototypeChecks(polluted: readonly string[]): PrototypeChecks {
  const known = new Set<string>();
  const isNew = (name: string): boolean => !known.has(name) && known.add(name).size > 0;
  for (const name of polluted) known.add(`Object.prototype.${name}`);
  const inTurns = Object.entries(PROTOTYPES).map(([name, prototype]): Check => {
    const names = (): string[] => Object.getOwnPropertyNames(prototype).map((one) => `${name}.prototype.${one}`);
    // Noted in the first turn: at start it would take a third of a millisecond.
    let count = 0;
    return {
      weight: 4,
      ask: (recorder) => {
        const before = count;
        count = Object.getOwnPropertyNames(prototype).length;
        if (count === before) return;
        for (const one of names()) if (isNew(one) && before > 0) recorder.put('prototype', one);
      },
    };
  });
  const each = (recorder: Teller): void => {
    for (const name in Object.prototype) {
      const one = `Object.prototype.${name}`;
      if (isNew(one)) recorder.put('prototype', one);
    }
  };
  return { each, inTurns };
}

/** Tells of an address at which the debugger listens and did not before. */
export function inspectorCheck({ url, initial }: NonNullable<Armed['inspector']>): (recorder: Teller) => void {
  let known = initial;
  return (recorder) => {
    const now = url();
    if (now === known) return;
    known = now;
    // The path is the secret that opens the session.
    if (now !== undefined) recorder.put('inspector', new URL(now).host);
  };
}
