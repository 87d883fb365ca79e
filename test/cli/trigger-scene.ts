/** Keys of a responder, and a control plane that the command meets. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { EXIT } from '../../src/cli/amber.ts';
import { freshFolder } from '../acquire/scene.ts';
import { stopRadosgw } from '../servers/radosgw.ts';
import { amber, configured as configuredWith, type Configure } from './function-orders.ts';

export const configured: Configure = (t, env, ...rules) =>
  configuredWith(t, { ...env, AMBER_CONTROL_KEY: publicKey }, ...rules);
export const isUpdate: (url: URL, method: string) => boolean = (url, method) =>
  method === 'PUT' && url.pathname.endsWith('/functions/checkout/configuration');

export let keyFile: string;
export let publicKey: string;
before(async () => {
  const folder = join(freshFolder(), 'keys');
  const made = await amber('trigger', '--new-key', folder, '--json');
  assert.equal(made.code, EXIT.ok);
  ({ privateFile: keyFile, publicKey } = made.json as { privateFile: string; publicKey: string });
});
after(() => stopRadosgw());
