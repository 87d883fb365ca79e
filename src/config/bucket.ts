/**
 * Names that look like buckets and are something else, or buckets that keep no evidence: refused by name when the
 * configuration is read, and not by an answer of S3 in the middle of a capture. Suffixes that AWS reserves: "General
 * purpose bucket naming rules", Amazon S3 User Guide.
 */

const GENERAL = 'a general purpose bucket, or the alias of an access point to one (…-s3alias)';

const KINDS: readonly (readonly [form: RegExp, kind: string])[] = [
  [/--x-s3$/u, 'a directory bucket (S3 Express One Zone), which has neither versions nor Object Lock'],
  [
    /--xa-s3$/u,
    'an access point of a directory bucket (S3 Express One Zone), which has neither versions nor Object Lock',
  ],
  [/--op-s3$/u, 'an access point of S3 on Outposts'],
  [/--ol-s3$/u, 'an Object Lambda access point, through which nothing is written'],
  [/--table-s3$/u, 'a table bucket, which takes no objects'],
  [/\.mrap$/u, 'a Multi-Region Access Point, which needs another signature (SigV4A)'],
  [/^arn:aws[a-z-]*:s3-outposts:/u, 'the ARN of a bucket or an access point of S3 on Outposts'],
  [/^arn:aws[a-z-]*:s3-object-lambda:/u, 'the ARN of an Object Lambda access point, through which nothing is written'],
  [
    /^arn:aws[a-z-]*:s3express:/u,
    'the ARN of a directory bucket (S3 Express One Zone), which has neither versions nor Object Lock',
  ],
  [
    /^arn:aws[a-z-]*:s3::\d{12}:accesspoint[:/]/u,
    'the ARN of a Multi-Region Access Point, which needs another signature (SigV4A)',
  ],
  [/^arn:aws[a-z-]*:s3:[^:]*:\d{12}:accesspoint[:/]/u, 'the ARN of an access point'],
  [/^arn:/u, 'an ARN'],
];

/** What was expected in place of the URL of something else, which is named; undefined for what may be a bucket. */
export function unusableBucket(url: string): string | undefined {
  const name = /^s3:\/\/([^?#]*)/iu.exec(url)?.[1] ?? '';
  const bucket = name.startsWith('arn:') ? name : (name.split('/')[0] ?? '').toLowerCase();
  const kind = KINDS.find(([form]) => form.test(bucket))?.[1];
  return kind === undefined ? undefined : `${GENERAL}; this is ${kind}`;
}
