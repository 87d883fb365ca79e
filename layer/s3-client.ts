/** What a capture uses of the AWS SDK: `layer/library.ts` puts this in place of the whole client. */
export { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
