/** The registry of triggers. The first that fires names the cause. A new trigger is one file and one line here. */
import type { Trigger } from '../contracts/evidence.ts';
import { anomaly } from './anomaly.ts';
import { call } from './call.ts';
import { crash } from './crash.ts';
import { deadline } from './deadline.ts';
import { control } from './control.ts';
import { error } from './error.ts';
import { event } from './event.ts';
import { flag } from './flag.ts';
import { shutdown } from './shutdown.ts';

export const TRIGGERS: readonly Trigger[] = [control, event, anomaly, error, deadline, flag, call, crash, shutdown];
