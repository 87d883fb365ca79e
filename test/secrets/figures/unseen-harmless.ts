/**
 * Harmless values in forms that were taken from outside after the rules were frozen: events of AWS services
 * (field names as in aws-lambda-go), lock files, image references, trace and object ids, logs of CloudFront and ALB,
 * what gitleaks and detect-secrets list as no secret. The values are drawn here.
 */
import type { Draw } from './draw.ts';

type Form = readonly [name: string, draw: (draw: Draw) => string];

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const day = (draw: Draw): string => `20${draw.number(10) + 18}-0${draw.number(9) + 1}-1${draw.number(10)}`;
const time = (draw: Draw): string => `0${draw.number(10)}:1${draw.number(10)}:2${draw.number(10)}`;
const region = (draw: Draw): string =>
  draw.one(['us-east-1', 'eu-west-1', 'ap-northeast-1', 'us-gov-west-1', 'sa-east-1']);
const arn =
  (service: string, rest: (draw: Draw) => string) =>
  (draw: Draw): string =>
    `arn:aws:${service}:${region(draw)}:${draw.digits(12)}:${rest(draw)}`;
const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

const EVENTS: readonly Form[] = [
  ['messageID', (d) => `ID:b-${d.uuid()}-2.mq.${region(d)}.amazonaws.com-${d.digits(5)}-${d.digits(13)}-4:12:1:1:3`],
  ['data', (d) => json({ temperature: d.number(40), unit: 'C', station: `north-${d.number(99)}` })],
  ['body', (d) => json({ orderId: d.uuid(), items: [{ sku: `A-${d.digits(5)}`, quantity: 2 }] })],
  ['x-amzn-trace-id', (d) => `Root=1-${d.hex(8)}-${d.hex(24)};Parent=${d.hex(16)};Sampled=1`],
  ['traceHeader', (d) => `Self=1-${d.hex(8)}-${d.hex(12)};Root=1-${d.hex(8)}-${d.hex(24)}`],
  ['X-Amz-Cf-Id', (d) => `${d.base64url(40)}==`],
  ['Via', (d) => `1.1 ${d.hex(32)}.cloudfront.net (CloudFront)`],
  ['extendedRequestId', (d) => `${d.alnum(15)}=`],
  ['apigwRequestId', (d) => `${d.alnum(6)}-${d.alnum(8)}=`],
  ['connectionId', (d) => `${d.alnum(15)}=`],
  ['Sec-WebSocket-Accept', (d) => d.base64(20)],
  ['callerId', (d) => `AROA${d.upper(17)}:CognitoIdentityCredentials`],
  ['identityId', (d) => `${region(d)}:${d.uuid()}`],
  ['cognitoIdentityPoolId', (d) => `${region(d)}:${d.uuid()}`],
  ['domainName', (d) => `${d.lower(10)}.execute-api.${region(d)}.amazonaws.com`],
  ['functionUrl', (d) => `https://${d.lower(32)}.lambda-url.${region(d)}.on.aws/`],
  ['serialNumber', (d) => d.hex(32).match(/../gu)?.join(':') ?? ''],
  ['LifecycleHookName', (d) => `hook-${d.hex(8)}`],
  ['endpoint-id', (d) => `cvpn-endpoint-0${d.hex(16)}`],
  ['connection-id', (d) => `cvpn-connection-0${d.hex(16)}`],
  ['build-id', arn('codebuild', (d) => `build/shop:${d.uuid()}`)],
  ['md5sum', (d) => d.hex(32)],
  ['sha256sum', (d) => d.hex(64)],
  ['eventID', (d) => d.hex(32)],
  ['kinesisEventId', (d) => `shardId-000000000000:49${d.digits(54)}`],
  ['SequenceNumber', (d) => d.digits(25)],
  ['recordId', (d) => `49${d.digits(54)}000000`],
  ['partitionKey', (d) => d.hex(32)],
  ['image-digest', (d) => `sha256:${d.hex(64)}`],
  ['bootstrapServers', (d) => `b-1.orders.${d.lower(6)}.c2.kafka.${region(d)}.amazonaws.com:9092`],
  ['containerInstanceArn', arn('ecs', (d) => `container-instance/prod/${d.hex(32)}`)],
  ['deliveryStreamArn', arn('firehose', (d) => `deliverystream/PUT-S3-${d.alnum(5)}`)],
  ['messageId', (d) => `0${d.hex(3)}0${d.hex(12)}-${d.uuid()}-000000`],
  ['x-amz-id-2', (d) => d.base64(48)],
  ['x-amz-request-id', (d) => d.upper(16)],
  ['s3VersionId', (d) => d.base64url(24)],
  ['x-amz-version-id', (d) => `${d.base64url(23)}.`],
  ['sequencer', (d) => `00${d.hex(16).toUpperCase()}`],
  ['eTag', (d) => `${d.hex(32)}-${d.number(90) + 2}`],
  ['invocationId', (d) => Buffer.from(`invocation ${d.digits(12)}`).toString('base64')],
  ['md5OfBody', (d) => d.hex(32)],
  ['receiptHandleHash', (d) => d.hex(40)],
  ['userPoolId', (d) => `${region(d)}_${d.alnum(9)}`],
  ['sub', (d) => d.uuid()],
  ['jti', (d) => d.uuid()],
  ['client_id', (d) => d.lower(26)],
  ['awsRequestId', (d) => d.uuid()],
  ['ContentSha256', (d) => d.base64(32)],
  ['CodeSha256', (d) => d.base64(32)],
  ['RevisionId', (d) => d.uuid()],
];

const LOGS: readonly Form[] = [
  ['log_line', (d) => `END RequestId: ${d.uuid()} Duration: ${d.digits(3)}.${d.digits(2)} ms Memory Size: 512 MB`],
  [
    'alb',
    (d) => `http ${day(d)}T${time(d)}.${d.digits(6)}Z app/my-loadbalancer/${d.hex(16)} 192.0.2.7:2817 "GET / HTTP/1.1"`,
  ],
  ['target_group_arn', arn('elasticloadbalancing', (d) => `targetgroup/orders/${d.hex(16)}`)],
  ['ssl', (d) => `ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ${d.one(['-', 'h2', 'grpcs'])}`],
  [
    'cloudfront',
    (d) =>
      `${day(d)}\t${time(d)}\tFRA5${d.number(9)}-C1\t${d.digits(5)}\tGET\t${d.lower(14)}.cloudfront.net\t/index.html\t200`,
  ],
  ['log_stream', (d) => `${day(d).replaceAll('-', '/')}/orders[12][$LATEST]${d.hex(32)}`],
  ['time_iso', (d) => `${day(d)}T${time(d)}.${d.digits(9)}+02:00`],
  ['clf_time', (d) => `1${d.number(10)}/May/2021:${time(d)} +0000`],
  ['segment', (d) => d.hex(16)],
  ['trace_id', (d) => d.hex(32)],
  ['span_id', (d) => d.hex(16)],
  ['b3', (d) => `${d.hex(32)}-${d.hex(16)}-1-${d.hex(16)}`],
  ['uber-trace-id', (d) => `${d.hex(32)}:${d.hex(16)}:0:1`],
  ['baggage', (d) => `userId=u${d.digits(6)},serverNode=DF%2028,isProduction=false`],
  ['tracestate', (d) => `rojo=${d.hex(16)},congo=${d.lower(10)}`],
  ['service.instance.id', (d) => d.uuid()],
  ['container.id', (d) => d.hex(64)],
  ['k8s.pod.name', (d) => `orders-${d.hex(9)}-${d.lower(5)}`],
  ['faas.version', (d) => d.digits(3)],
  ['process.executable.build_id', (d) => d.hex(40)],
  [
    'user_agent',
    (d) => `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/1${d.digits(2)}.0.0.0 Safari/537.36`,
  ],
  ['sampling', (d) => `parentbased_traceidratio=0.${d.digits(4)}`],
];

const BUILDS: readonly Form[] = [
  ['integrity', (d) => `sha512-${d.base64(64)}`],
  ['integrity_sha1', (d) => `sha1-${d.base64(20)}`],
  ['resolved', (d) => `https://registry.yarnpkg.com/left-pad/-/left-pad-1.${d.number(9)}.0.tgz#${d.hex(40)}`],
  ['checksum', (d) => `10c0/${d.hex(128)}`],
  ['git_resolved', (d) => `git+ssh://git@github.com/acme/shop.git#${d.hex(40)}`],
  ['go_sum', (d) => `github.com/acme/shop v1.${d.number(30)}.0 h1:${d.base64(32)}`],
  ['pseudo_version', (d) => `v0.0.0-2023${d.digits(10)}-${d.hex(12)}`],
  ['pip_hash', (d) => `sha256:${d.hex(64)}`],
  ['cargo_checksum', (d) => d.hex(64)],
  ['image_ref', (d) => `ghcr.io/acme/orders:v1.2.${d.number(99)}@sha256:${d.hex(64)}`],
  ['layer_digest', (d) => `sha256:${d.hex(64)}`],
  ['image_tag', (d) => `public.ecr.aws/lambda/nodejs:22.2025.0${d.number(9)}.1${d.number(9)}.${d.digits(2)}`],
  ['commit_url', (d) => `https://gitlab.example.com/shop/orders/-/commit/${d.hex(40)}`],
  ['raw_url', (d) => `https://raw.githubusercontent.com/acme/shop/${d.hex(40)}/package.json`],
  ['compare_url', (d) => `https://github.com/acme/shop/compare/${d.hex(40)}...${d.hex(40)}`],
  ['SRCREV_moby', (d) => d.hex(40)],
  ['LIC_FILES_CHKSUM', (d) => `file://license.html;md5=${d.hex(32)}`],
  ['MantleAPI_version', (d) => d.hex(40)],
  ['COMMUNICATION_API_VERSION', (d) => `rc0.13.0_2023${d.digits(4)}_0712-SNAPSHOT`],
  ['chunk', (d) => `/static/js/main.${d.hex(8)}.chunk.js`],
  ['asset_url', (d) => `https://cdn.example.com/assets/index-${d.base64url(6)}.js`],
  ['next_build', (d) => `/_next/static/${d.base64url(16)}/_buildManifest.js`],
  [
    'template_url',
    (d) => `https://cdk-hnb659fds-assets-${d.digits(12)}-${region(d)}.s3.${region(d)}.amazonaws.com/${d.hex(64)}.json`,
  ],
  ['nix_path', (d) => `/nix/store/${d.of('0123456789abcdfghijklmnpqrsvwxyz', 32)}-openssl-3.0.${d.number(20)}`],
  ['pnpm_path', (d) => `/var/task/node_modules/.pnpm/foo@1.0.0_${d.hex(32)}/node_modules/foo`],
  ['credentialsId', (d) => d.uuid()],
  ['report_access_id', (d) => d.uuid()],
  ['public_key', (d) => d.base64(32)],
  ['key_name', (d) => `prod${d.lower(7)}-cmk`],
  ['kms_key_id', (d) => d.uuid()],
  ['issuerKeyHash', (d) => d.hex(40)],
  ['UserSecretsId', (d) => d.uuid()],
  ['alphabet', () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'],
  ['TOKEN_AUDIENCE', (d) => `api://orders-${d.one(['dev', 'prod', 'test'])}`],
];

const IDS: readonly Form[] = [
  ['ulid', (d) => `01${d.of('GHJK', 1)}${d.of(CROCKFORD, 23)}`],
  ['order', (d) => `01${d.of('GHJK', 1)}${d.of(CROCKFORD, 23)}`],
  ['ksuid', (d) => `2${d.of('ABCDEFGHIJabcdefghij0123456789', 26)}`],
  ['nanoid', (d) => d.base64url(15) + d.alnum(1)],
  ['uuid7', (d) => `018${d.hex(5)}-${d.hex(4)}-7${d.hex(3)}-9${d.hex(3)}-${d.hex(12)}`],
  ['cuid', (d) => `c${d.lower(24)}`],
  ['objectId', (d) => d.hex(24)],
  ['snowflake', (d) => d.digits(19)],
  ['typeid', (d) => `user_01h${d.of(CROCKFORD.toLowerCase(), 23)}`],
  ['xid', (d) => d.of('0123456789abcdefghijklmnopqrstuv', 20)],
  ['urn', (d) => `urn:uuid:${d.uuid()}`],
  ['customer', (d) => `cus_${d.alnum(14)}`],
  ['payment', (d) => `pi_${d.alnum(24)}`],
  ['charge', (d) => `ch_${d.alnum(24)}`],
  ['subscription', (d) => `sub_${d.alnum(24)}`],
  ['request', (d) => `req_${d.alnum(14)}`],
  ['volume', (d) => `vol-0${d.hex(16)}`],
  ['eni', (d) => `eni-0${d.hex(16)}`],
  ['ami', (d) => `ami-0${d.hex(16)}`],
  ['hosted_zone', (d) => `Z${d.upper(20)}`],
  ['distribution', (d) => `E${d.upper(13)}`],
  ['stack', arn('cloudformation', (d) => `stack/shop/${d.uuid()}`)],
  ['role', (d) => `arn:aws:iam::${d.digits(12)}:role/Shop-OrdersServiceRole${d.upper(8)}-${d.alnum(12)}`],
  ['session', arn('sts', (d) => `assumed-role/orders/${d.uuid()}`)],
  ['function', (d) => `Shop-Orders${d.hex(8).toUpperCase()}-${d.alnum(12)}`],
  ['certificate', arn('acm', (d) => `certificate/${d.uuid()}`)],
  ['rule', arn('events', (d) => `rule/Shop-Nightly${d.upper(8)}-${d.upper(12)}`)],
  ['ssm', arn('ssm', (d) => `parameter/shop/${d.one(['prod', 'dev'])}/db-host`)],
  ['account_token_url', () => 'https://login.microsoftonline.com/common/oauth2/v2.0/token'],
  ['fingerprint', (d) => `SHA256:${d.base64(32).replace('=', '')}`],
  ['thumbprint', (d) => d.hex(40).toUpperCase()],
  ['etag_weak', (d) => `W/"${d.hex(3)}-${d.base64(20).slice(0, 27)}"`],
];

export const FORMS: readonly Form[] = [...EVENTS, ...LOGS, ...BUILDS, ...IDS];
