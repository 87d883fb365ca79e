/** Code-level evidence. A new source = one new file and one line here; within a lane they run in this order. */
import { aliases } from './aliases.ts';
import { cloudtrail } from './cloudtrail.ts';
import { codeSigning } from './code-signing.ts';
import { concurrency } from './concurrency.ts';
import type { Source } from './contracts.ts';
import { durableExecutions } from './durable-executions.ts';
import { eventInvoke } from './event-invoke.ts';
import { eventSources } from './event-sources.ts';
import { guardduty } from './guardduty.ts';
import { images } from './images.ts';
import { layers } from './layers.ts';
import { logs } from './logs.ts';
import { policies } from './policies.ts';
import { recursion } from './recursion.ts';
import { role } from './role.ts';
import { runtimeManagement } from './runtime-management.ts';
import { tags } from './tags.ts';
import { trailFiles } from './trail-files.ts';
import { urls } from './urls.ts';
import { versions } from './versions.ts';

/** What can be deleted by an intruder who holds the account comes first: versions and layers. */
export const SOURCES: readonly Source[] = [
  versions,
  layers,
  images,
  aliases,
  policies,
  urls,
  eventSources,
  concurrency,
  eventInvoke,
  codeSigning,
  runtimeManagement,
  recursion,
  tags,
  role,
  durableExecutions,
  logs,
  cloudtrail,
  trailFiles,
  guardduty,
];
