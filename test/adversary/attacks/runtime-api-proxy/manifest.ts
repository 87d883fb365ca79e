import type { Attack } from '../../detection/case.ts';

/**
 * A5: LambdaSpy rewrites the address in the memory of process 1, so that what starts later gets the address of a proxy.
 * Here the runtime is given that address.
 */
export const attack: Attack = {
  does: 'An extension that nobody knows listens on loopback, and the runtime has been led to it in place of the Runtime API.',
  techniques: ['T1557', 'T1574', 'T1055.009'],
  source: 'A5',
  victims: ['node', 'python'],
  inProcess: ['node'],
  opt: 'opt',
  env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:8888' },
  beside: [
    {
      command: ['/var/lang/bin/node', '/opt/extensions/metrics-agent'],
      env: { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' },
    },
  ],
  events: [{}, { card: '4111' }, { card: '4222' }],
  detectors: ['runtime-api-proxy', 'unknown-extension'],
  evidence: [
    { path: /^live_response\/sockets\.json$/u, holds: /8888/u },
    { path: /^live_response\/processes\.json$/u, holds: /\/opt\/extensions\/metrics-agent/u },
  ],
  arrives: [{ at: 'exfiltration', holds: /4222/u }],
  quick: 'extension',
};
