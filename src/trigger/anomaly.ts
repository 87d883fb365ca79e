/** A detector has found something that does not belong in a sandbox. */
import { policyOf, reaches } from '../config/detect-policy.ts';
import type { Cause, Finding, TriggerEvent, Trigger, Config } from '../contracts/evidence.ts';
import { printable } from '../printable.ts';

/** Captures when detectors find something at or above the level of `AMBER_DETECT`. */
export const anomaly: Trigger = {
  name: 'anomaly',
  description: 'A detector finds something at or above the level of AMBER_DETECT (high, unless set otherwise).',
  moments: (config) => (isOff(config) ? [] : ['found']),
  fires: (event: TriggerEvent, config: Config): Cause | undefined => {
    if (event.at !== 'found') return undefined;
    const { threshold } = policyOf(config.detect);
    const telling = event.findings.filter(({ severity }) => reaches(severity, threshold));
    if (telling.length === 0) return undefined;
    const shown = telling.slice(0, MAX_SHOWN).map(shortly).join('; ');
    const more = telling.length > MAX_SHOWN ? ` and ${String(telling.length - MAX_SHOWN)} more` : '';
    return { trigger: 'anomaly', reason: `detectors found ${shown}${more}` };
  },
};

/** Without a destination there is nothing that a finding could start. */
function isOff({ capture, destination, detect }: Config): boolean {
  return capture === 'off' || destination === undefined || policyOf(detect).threshold === 'off';
}

const MAX_SHOWN = 5;
/** An attacker chooses names of files. */
const MAX_NAME = 80;

/** Detector and subject alone: a title may hold arguments, and this sentence goes to the log. */
function shortly({ detector, severity, subject }: Finding): string {
  const { pid, path, name, address } = subject;
  const parts = [
    ...(pid === undefined ? [] : [`pid ${String(pid)}`]),
    ...[path, name, address].filter((part) => part !== undefined).map((part) => printable(part, 'name', MAX_NAME)),
  ];
  return `${detector} (${severity})${parts.length === 0 ? '' : `: ${parts.join(' ')}`}`;
}
