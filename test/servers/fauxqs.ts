/** fauxqs, an S3 server from npm: quick to start, checks neither signatures nor conditions. In this process. */
import type { FauxqsServer } from 'fauxqs';
import { startFauxqs } from 'fauxqs';

export interface Fauxqs {
  readonly endpoint: string;
  readonly createBucket: (name: string) => void;
  readonly stop: () => Promise<void>;
}

export async function fauxqs(): Promise<Fauxqs> {
  const server: FauxqsServer = await startFauxqs({ port: 0, logger: false });
  return {
    endpoint: `http://127.0.0.1:${String(server.port)}`,
    createBucket: (name) => void server.createBucket(name),
    stop: () => server.stop(),
  };
}
