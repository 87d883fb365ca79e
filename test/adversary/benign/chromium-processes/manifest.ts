import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Unpacks Chromium into /tmp and keeps it with a process for each part, as Puppeteer does without --single-process.',
  packages: ['@sparticuz/chromium'],
  nightly: true,
  victims: ['node'],
  events: [{}, {}, {}],
  memoryMb: 2048,
  timeoutMs: 60_000,
};
