/** One version of an S3 object, for code that lies in the customer's bucket and for the files of a trail. */
import type { S3 } from '@aws-sdk/client-s3';
import { defined } from '../defined.ts';
import { AmberError } from '../errors.ts';
import type { Opener } from './download.ts';

export interface ObjectName {
  readonly bucket: string;
  readonly key: string;
  readonly version: string | undefined;
}

/** Opens the object. Needs s3:GetObject, for a version s3:GetObjectVersion. */
export function fromObject(s3: S3, { bucket, key, version }: ObjectName, signal: AbortSignal): Opener {
  return async (from) => {
    const answer = await s3.getObject(
      {
        Bucket: bucket,
        Key: key,
        ...defined({ VersionId: version }),
        ...(from === 0 ? {} : { Range: `bytes=${from}-` }),
      },
      { abortSignal: signal },
    );
    if (answer.Body === undefined || answer.ContentLength === undefined)
      throw new AmberError('ACQUIRE_FAILED', `s3:GetObject ${bucket}/${key} gave no body`);
    return { length: answer.ContentLength, body: answer.Body as AsyncIterable<Uint8Array> };
  };
}
