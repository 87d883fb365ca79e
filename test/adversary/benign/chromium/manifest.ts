import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Unpacks Chromium into /tmp, starts it, keeps it, and loads a page with it at each invocation.',
  packages: ['@sparticuz/chromium'],
  victims: ['node'],
  events: [{}, {}, {}, {}],
  memoryMb: 2048,
  timeoutMs: 60_000,
};
