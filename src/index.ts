/**
 * lambda-amber: forensic capture inside AWS Lambda. This module is the public API and what an idle function pays for:
 * nothing that a capture needs is loaded before one starts.
 */
export { withCapture } from './host/wrapper/wrap.ts';
export { amberMiddleware } from './host/wrapper/middleware.ts';
export { capture } from './host/wrapper/call.ts';
export { AmberError, isAmberError } from './errors.ts';
export { VERSION } from './version.ts';

export type { Options } from './config/config.ts';
export type { Config } from './contracts/evidence.ts';
export type { AmberErrorCode } from './errors.ts';
export type { CaptureOptions } from './host/wrapper/call.ts';
export type { CaptureMiddleware, MiddyRequest } from './host/wrapper/middleware.ts';
export type { AnyHandler, Wrapped } from './host/wrapper/wrap.ts';
export type {
  AbsentEntry,
  Budget,
  ByDesign,
  BytesEntry,
  BytePath,
  CaptureIdentity,
  CaptureReport,
  Cause,
  Collector,
  Destination,
  DestinationProvider,
  DirectoryEntry,
  Entry,
  FileEntry,
  FileStat,
  Finding,
  InvocationFacts,
  JsonEntry,
  JsonLinesEntry,
  LinkEntry,
  TriggerEvent,
  Outcome,
  Receipt,
  Redaction,
  Roots,
  CollectorContext,
  SpecialEntry,
  StoredObject,
  StreamEntry,
  Tier,
  Trigger,
  TriggerName,
} from './contracts/evidence.ts';
