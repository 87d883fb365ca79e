/** The registry of detectors. A new one is a file, a line here, and its name in config/names.ts. */
import type { Detector } from '../contracts/evidence.ts';
import { bulkRename } from './bulk-rename.ts';
import { childProcessUse } from './child-process-use.ts';
import { codeChanged } from './code-changed.ts';
import { codeFromNowhere } from './code-from-nowhere.ts';
import { disguisedName } from './disguised-name.ts';
import { environReader } from './environ-reader.ts';
import { environmentDrift } from './environment-drift.ts';
import { foreignCredentials } from './foreign-credentials.ts';
import { foreignResolver } from './foreign-resolver.ts';
import { loneRequest } from './lone-request.ts';
import { longNames } from './long-names.ts';
import { mappedObject } from './mapped-object.ts';
import { miner } from './miner.ts';
import { movedOutput } from './moved-output.ts';
import { openInspector } from './open-inspector.ts';
import { outbound } from './outbound.ts';
import { patchedBuiltins } from './patched-builtins.ts';
import { processFlood } from './process-flood.ts';
import { resourceJump } from './resource-jump.ts';
import { rewrittenRecord } from './rewritten-record.ts';
import { runtimeApiClient } from './runtime-api-client.ts';
import { runtimeApiProxy } from './runtime-api-proxy.ts';
import { runtimeChanged } from './runtime-changed.ts';
import { secondInterpreter } from './second-interpreter.ts';
import { shellChild } from './shell-child.ts';
import { stagedExecutable } from './staged-executable.ts';
import { stagedFile } from './staged-file.ts';
import { startupHook } from './startup-hook.ts';
import { stdioSocket } from './stdio-socket.ts';
import { survivor } from './survivor.ts';
import { unknownExtension } from './unknown-extension.ts';

export const DETECTORS: readonly Detector[] = [
  runtimeChanged,
  stagedExecutable,
  stagedFile,
  mappedObject,
  disguisedName,
  shellChild,
  secondInterpreter,
  stdioSocket,
  survivor,
  runtimeApiClient,
  runtimeApiProxy,
  environmentDrift,
  startupHook,
  environReader,
  miner,
  outbound,
  foreignResolver,
  foreignCredentials,
  unknownExtension,
  codeChanged,
  patchedBuiltins,
  childProcessUse,
  codeFromNowhere,
  openInspector,
  rewrittenRecord,
  loneRequest,
  longNames,
  movedOutput,
  bulkRename,
  processFlood,
  resourceJump,
];
