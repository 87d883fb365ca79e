/**
 * Functions of Node and of the language that the recorder uses, kept from before user code can replace them. What is
 * loaded at the first event takes them from here as well. Node has loaded the modules itself by then.
 */
import type * as Channels from 'node:diagnostics_channel';
import type * as Files from 'node:fs';
import type * as Util from 'node:util';

type Kept = Pick<
  typeof Files,
  | 'closeSync'
  | 'constants'
  | 'existsSync'
  | 'fstatSync'
  | 'ftruncateSync'
  | 'openSync'
  | 'readSync'
  | 'unlinkSync'
  | 'writeSync'
> &
  Pick<typeof Channels, 'channel' | 'subscribe'> &
  Pick<typeof Util, 'getCallSites'> & {
    readonly stringify: typeof JSON.stringify;
    readonly now: typeof Date.now;
    readonly apply: typeof Reflect.apply;
    readonly textOf: (value: unknown) => string;
  };

const fs = process.getBuiltinModule('node:fs');
const channels = process.getBuiltinModule('node:diagnostics_channel');

/** One object: an idle function makes it faster than a namespace. None of its functions has a receiver. */
export const kept: Kept = {
  closeSync: fs.closeSync,
  constants: fs.constants,
  existsSync: fs.existsSync,
  fstatSync: fs.fstatSync,
  ftruncateSync: fs.ftruncateSync,
  openSync: fs.openSync,
  readSync: fs.readSync,
  unlinkSync: fs.unlinkSync,
  writeSync: fs.writeSync,
  channel: channels.channel,
  subscribe: channels.subscribe,
  // It asks no `prepareStackTrace`.
  getCallSites: process.getBuiltinModule('node:util').getCallSites,
  stringify: JSON.stringify,
  now: Date.now,
  apply: Reflect.apply,
  // eslint-disable-next-line @typescript-eslint/unbound-method -- bound here
  textOf: Function.prototype.call.bind(Function.prototype.toString),
};
