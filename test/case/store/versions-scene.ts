/** The built command, captures in a bucket, and what `verify` tells of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { builtAmber, type BuiltAmber } from '../../cli/command-built.ts';
import { stopRadosgw } from '../../servers/radosgw.ts';
import type { MadeCapture } from '../captures.ts';

export let amber: BuiltAmber;
before(() => {
  amber = builtAmber();
});
after(stopRadosgw);

export interface Told {
  readonly verdict: string;
  readonly summary: string;
  readonly checks: readonly {
    readonly name: string;
    readonly state: string;
    readonly detail: string;
    readonly findings: readonly string[];
  }[];
  readonly results: readonly Told[];
}

export const check = (told: Told | undefined, name: string): Told['checks'][number] | undefined =>
  told?.checks.find((one) => one.name === name);

export async function upload(client: S3Client, bucket: string, { folder }: MadeCapture, prefix: string): Promise<void> {
  for (const name of readdirSync(folder))
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: `${prefix}${name}`, Body: readFileSync(join(folder, name)) }),
    );
}
