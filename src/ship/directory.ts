/**
 * A folder on a file system: the segments joined to one `capture.tar.zst`, `SHA256SUMS` for sha256sum(1), and
 * `manifest.json` last. Segments that are age files stay apart (`capture-0000.tar.zst.age`): the age command reads one
 * file at a time, and a second header in the middle is damage to it.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type {
  CaptureIdentity,
  Destination,
  DestinationProvider,
  Receipt,
  StoredObject,
} from '../contracts/evidence.ts';
import { AmberError, systemCode } from '../errors.ts';
import { folderError, openFolder, timeEnded } from './folder.ts';
import type { Folder } from './folder.ts';
import { joinInto, writeAll } from './joined-file.ts';
import type { JoinedFile } from './joined-file.ts';
import { captureFolder, encodeComponent } from './key.ts';

export const directory: DestinationProvider = {
  name: 'directory',
  protocol: 'file:',
  description:
    'A local folder: `file:///DIR`. Segments are joined to one tarball, or kept as they are with a recipient; ' +
    'nothing is overwritten.',
  open: (url, capture) => openDirectory(url, capture),
};

/** After an abort the work under way takes back what it wrote; it is given so long for that. */
const GRACE_MS = 200;
const SEGMENT = /^capture-(\d{4,9})(\.tar(?:\.zst|\.gz)?)$/u;

interface DirectoryState {
  readonly folder: Folder;
  /** `capture.tar.zst`: its suffix is that of the first segment. */
  joined?: { readonly name: string; readonly file: Promise<JoinedFile> };
  /** Names that were put. */
  readonly names: Set<string>;
  /** File name to lower-case hex SHA-256. */
  readonly sums: Map<string, string>;
  readonly running: Set<Promise<unknown>>;
  closed: boolean;
}

async function openDirectory(url: URL, capture: CaptureIdentity): Promise<Destination> {
  const base = pathOf(url);
  let state: DirectoryState;
  try {
    state = {
      folder: await openFolder(base, captureFolder(capture)),
      names: new Set(),
      sums: new Map(),
      running: new Set(),
      closed: false,
    };
  } catch (error) {
    throw folderError(error, base);
  }
  const { folder } = state;
  return {
    location: `${folder.path}/`,
    put: (object, signal) => guarded(state, object.name, signal, (own) => keep(state, object, own)),
    commit: (manifest, signal) => guarded(state, manifest.name, signal, (own) => commit(state, manifest, own)),
    close: () => {
      state.closed = true;
      state.joined?.file.then((file) => file.close()).catch(() => undefined);
      folder.close();
    },
  };
}

function pathOf(url: URL): string {
  try {
    if (url.hash !== '' || url.search !== '')
      throw new AmberError('CONFIG_INVALID', 'a `#` and a `?` of a path are percent-encoded');
    return fileURLToPath(url).replace(/(?<=.)\/+$/u, '');
  } catch (cause) {
    throw new AmberError(
      'CONFIG_INVALID',
      'AMBER_DESTINATION is not usable: a file: URL names an absolute path, for example file:///mnt/evidence',
      { cause },
    );
  }
}

/** Waits for the work, but not past the signal: a network file system that is gone blocks a write without end. */
async function guarded(
  state: DirectoryState,
  name: string,
  signal: AbortSignal,
  work: (own: AbortSignal) => Promise<Receipt>,
): Promise<Receipt> {
  const path = `${state.folder.path}/${name}`;
  const own = AbortSignal.any([signal]); // its listeners are counted apart from those of other puts
  const tracked = work(own).finally(() => state.running.delete(tracked));
  state.running.add(tracked);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    setTimeout(() => reject(timeEnded()), GRACE_MS).unref();
  };
  own.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([tracked, ended]);
  } catch (error) {
    throw folderError(error, path);
  } finally {
    own.removeEventListener('abort', onAbort);
  }
}

async function keep(state: DirectoryState, object: StoredObject, signal: AbortSignal): Promise<Receipt> {
  refuseWhenOver(state, signal);
  if (state.names.has(object.name)) {
    throw new AmberError(
      'DESTINATION_EXISTS',
      `${JSON.stringify(object.name)} was put already, and nothing is overwritten`,
    );
  }
  state.names.add(object.name);
  try {
    return await place(state, object, signal);
  } catch (error) {
    state.names.delete(object.name);
    throw error;
  }
}

/** Into the joined file if the object is a segment whose turn is still to come, else into a file of its own. */
async function place(state: DirectoryState, object: StoredObject, signal: AbortSignal): Promise<Receipt> {
  const [, number, suffix] = SEGMENT.exec(object.name) ?? [];
  if (number !== undefined && suffix !== undefined) {
    state.joined ??= { name: `capture${suffix}`, file: createJoined(state.folder, `capture${suffix}`) };
    const file = await state.joined.file;
    const belongs = state.joined.name === `capture${suffix}`;
    if (belongs && (await file.append(Number(number), object.body, signal))) return { state: 'stored', attempts: 1 };
  }
  return keepApart(state, object, signal);
}

function refuseWhenOver(state: DirectoryState, signal: AbortSignal): void {
  if (signal.aborted) throw timeEnded();
  if (state.closed)
    throw new AmberError('DESTINATION_FAILED', 'The destination was closed before the last object was put.');
}

async function createJoined(folder: Folder, name: string): Promise<JoinedFile> {
  const file = await folder.create(name);
  await folder.sync();
  return joinInto(file);
}

/** Writes a file of its own; takes it away again if it could not be written whole. */
async function keepApart(state: DirectoryState, object: StoredObject, signal: AbortSignal): Promise<Receipt> {
  const name = encodeComponent(object.name);
  const file = await state.folder.create(name);
  const hash = createHash('sha256');
  try {
    await writeAll(file, object.body, { at: 0, hash, signal });
    await file.datasync();
    await state.folder.sync();
  } catch (error) {
    await state.folder.remove(name).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
  const digest = hash.digest();
  state.sums.set(name, digest.toString('hex'));
  return { state: 'stored', attempts: 1, checksum: digest.toString('base64') };
}

async function commit(state: DirectoryState, manifest: StoredObject, signal: AbortSignal): Promise<Receipt> {
  refuseWhenOver(state, signal);
  await Promise.allSettled(state.running);
  if (state.joined !== undefined) state.sums.set(state.joined.name, (await state.joined.file).sha256());
  const sums = new Map([...state.sums, [encodeComponent(manifest.name), manifest.sha256]]);
  const body = Buffer.from([...sums].map(([name, sha256]) => sumLine(name, sha256)).join(''));
  await keepApart(state, { name: 'SHA256SUMS', body: [body], bytes: body.byteLength, sha256: '' }, signal);
  return keepMarker(state, manifest, signal);
}

/** File systems without hard links answer so (link(2)). */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** The marker is there whole or not at all: who is killed in the middle of writing it has not committed. */
async function keepMarker(state: DirectoryState, manifest: StoredObject, signal: AbortSignal): Promise<Receipt> {
  const partial = `.${manifest.name}.partial`;
  const receipt = await keepApart(state, { ...manifest, name: partial }, signal);
  try {
    await state.folder.publish(encodeComponent(partial), encodeComponent(manifest.name));
  } catch (error) {
    await state.folder.remove(encodeComponent(partial)).catch(() => undefined);
    if (NO_LINKS.has(systemCode(error) ?? '')) return keepApart(state, manifest, signal);
    throw error;
  }
  await state.folder.sync();
  return receipt;
}

/** A line as sha256sum(1) writes it: a backslash in front when the name had to be escaped. */
function sumLine(name: string, sha256: string): string {
  const escaped = name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${escaped === name ? '' : '\\'}${sha256}  ${escaped}\n`;
}
