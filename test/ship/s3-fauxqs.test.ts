/** Both S3 transports over fauxqs. It enforces no condition, so overwriting is shown over radosgw. */
import { after, before } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { testDestination } from '../contracts/destination.ts';
import { fauxqs } from '../servers/fauxqs.ts';
import type { Fauxqs } from '../servers/fauxqs.ts';
import { openS3, owner, readBack, TRANSPORTS } from './s3-opened.ts';

const keys = { accessKeyId: 'test', secretAccessKey: 'test' };
let server: Fauxqs;
let client: S3Client;

before(async () => {
  server = await fauxqs();
  server.createBucket('evidence');
  client = owner(server.endpoint, keys);
});
after(async () => {
  client.destroy();
  await server.stop();
});

for (const transport of TRANSPORTS) {
  testDestination(`s3 ${transport} over fauxqs`, async (_t, capture) => ({
    destination: await openS3({ endpoint: server.endpoint, bucket: 'evidence', keys }, transport, capture),
    stored: (names) => readBack(client, 'evidence', capture, names),
    refusesOverwrite: false,
  }));
}
