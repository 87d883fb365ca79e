/** Key pairs that orders are signed with: PEM files as openssl writes and reads them. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { KeyObject } from 'node:crypto';
import { AmberError, systemCode } from '../errors.ts';
import { folderError } from '../ship/folder.ts';
import { fingerprint, publicKeyOf } from '../trigger/order-signature.ts';

export interface NewKey {
  readonly privateFile: string;
  readonly publicFile: string;
  /** For AMBER_CONTROL_KEY. */
  readonly publicKey: string;
  readonly fingerprint: string;
}

/** Makes a pair; the private half can be read by its owner alone. @throws AmberError CASE_EXISTS, DESTINATION_*. */
export function newControlKey(folder: string): NewKey {
  const { generateKeyPairSync } = process.getBuiltinModule('node:crypto');
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const [privateFile, publicFile] = [
    join(resolve(folder), 'amber-control.key'),
    join(resolve(folder), 'amber-control.pub'),
  ];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST')
      throw new AmberError(
        'DESTINATION_DENIED',
        `${JSON.stringify(resolve(folder))} is a file; --new-key names a folder.`,
        { cause },
      );
    throw folderError(cause, resolve(folder));
  }
  writeNew(privateFile, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 0o600);
  try {
    writeNew(publicFile, publicKey.export({ format: 'pem', type: 'spki' }).toString(), 0o644);
  } catch (cause) {
    rmSync(privateFile, { force: true }); // half a pair is none
    throw cause;
  }
  const text = publicKeyOf(privateKey);
  return { privateFile, publicFile, publicKey: text, fingerprint: fingerprint(text) };
}

function writeNew(path: string, text: string, mode: number): void {
  let fd: number;
  try {
    fd = openSync(path, 'wx', mode);
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST')
      throw new AmberError('CASE_EXISTS', `${path} is there already; a key is not written over.`, { cause });
    throw folderError(cause, path);
  }
  try {
    writeFileSync(fd, text);
  } catch (cause) {
    rmSync(path, { force: true });
    throw folderError(cause, path);
  } finally {
    closeSync(fd);
  }
}

/** The private key in a PEM file. @throws AmberError USAGE. */
export function readControlKey(path: string): KeyObject {
  const { createPrivateKey } = process.getBuiltinModule('node:crypto');
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(path));
  } catch (cause) {
    throw new AmberError(
      'USAGE',
      `${path} holds no private key in PEM that can be read (${systemCode(cause) ?? 'no key'}); \`amber trigger ` +
        '--new-key DIR` makes one.',
      { cause },
    );
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new AmberError(
      'USAGE',
      `${path} holds a key of type ${key.asymmetricKeyType ?? 'unknown'}; orders are signed with Ed25519.`,
    );
  return key;
}
