/**
 * All that S3 needs, done once while nobody waits: code is compiled, the name is looked up, and the server gives a TLS
 * session that the next connection takes up again. Nothing is sent but a handshake.
 */
import { Duplex } from 'node:stream';
import type { CaptureIdentity, Destination, Config } from '../contracts/evidence.ts';
import { takeCredentials } from './credentials.ts';
import { lightOver } from './s3-light.ts';
import { destinationUrl, readSettings } from './s3-settings.ts';
import { s3Over } from './s3.ts';
import { openSession } from './signed-request.ts';

/** Longest wait for the handshake: two turns to a server of the region, by a thread with a slice of CPU every 20 ms. */
const HANDSHAKE_MS = 1000;

/**
 * A destination that signs and writes every request as the one at `url` would, into a connection that leads nowhere and
 * answers 200. Beside it one true connection is made and closed; `met` tells whether the server was reached, and never
 * rejects.
 *
 * @throws AmberError DESTINATION_CREDENTIALS, CONFIG_INVALID as the destination itself would.
 */
export async function openRehearsal(
  url: string,
  capture: CaptureIdentity,
  config: Config,
): Promise<{ readonly destination: Destination; readonly met: Promise<boolean> }> {
  const settings = readSettings(destinationUrl(url), capture, config, process.env, await takeCredentials(process.env));
  const session = await openSession(settings);
  session.connections.begin();
  const met = session.connections.known(AbortSignal.timeout(HANDSHAKE_MS)).finally(session.connections.close);
  const agent = new (process.getBuiltinModule('node:http').Agent)({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => new Nowhere();
  const muted = lightOver({ ...session, agent, request: process.getBuiltinModule('node:http').request }, settings);
  return { destination: { ...s3Over(muted, settings, capture), close: () => agent.destroy() }, met };
}

const END_OF_HEAD = '\r\n\r\n';

/** Answers each request when as many bytes have come as its head announces. */
class Nowhere extends Duplex {
  #left = 0;

  // What an agent asks of a socket that it keeps.
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  override _read(): void {
    // pushed when there is something
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    let bytes = chunk.length;
    if (this.#left === 0) {
      const head = chunk.indexOf(END_OF_HEAD);
      const text = chunk.toString('latin1', 0, Math.max(0, head));
      this.#left = Number(/^content-length: (\d+)/imu.exec(text)?.[1] ?? 0);
      if (/^expect:/imu.test(text)) this.push(`HTTP/1.1 100 Continue${END_OF_HEAD}`);
      bytes -= head + END_OF_HEAD.length;
    }
    this.#left = Math.max(0, this.#left - bytes);
    if (this.#left === 0) this.push('HTTP/1.1 200 OK\r\netag: "0"\r\ncontent-length: 0\r\n\r\n');
    done();
  }
}
