/** Secrets under telling names, credentials with a shape, and harmless values: drawn anew from a seed at each run. */
import { randomBytes } from 'node:crypto';

const digits = (alphabet: string, length: number): string => Array.from(randomBytes(length), (byte) => alphabet[byte % alphabet.length] ?? '').join('');
const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const an = (length: number): string => digits(ALNUM, length);
const hex = (length: number): string => digits('0123456789abcdef', length);
const upper = (length: number): string => digits('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', length);

export const TELLING: readonly string[] = [
  'DB_PASSWORD', 'db_password', 'dbPassword', 'PASSWORD', 'apiKey', 'API_KEY', 'api-key', 'STRIPE_SECRET_KEY', 'clientSecret', 'client_secret', 'access_token', 'refreshToken', 'GITHUB_TOKEN', 'authToken', 'privateKey', 'PRIVATE_KEY', 'passphrase', 'SESSION_SECRET', 'JWT_SECRET', 'webhook_secret', 'encryptionKey', 'SECRET', 'smtp_pass', 'MYSQL_PWD', 'redis.password', 'spring.datasource.password',
];

export const chosen = (): readonly string[] => [
  `hunter${digits('0123456789', 1)}`, `correct horse battery ${digits('abcdefghijkl', 6)}`, `P@ss${an(4)}!`, an(12), an(24), hex(32), `${an(8)}-${an(8)}`, `${an(6)}+/${an(10)}==`, `Tr0ub4dor&${digits('0123456789', 1)}x`, upper(20), an(40),
];

/** Credentials whose shape is published by their issuers. */
export const shaped = (): Readonly<Record<string, string>> => ({
  'GitHub': `ghp_${an(36)}`, 'GitHub fine-grained': `github_pat_${an(22)}_${an(59)}`, 'GitLab': `glpat-${an(20)}`, 'npm': `npm_${an(36)}`, 'Stripe': `sk_live_${an(24)}`, 'Slack': `xoxb-${digits('0123456789', 12)}-${digits('0123456789', 12)}-${an(24)}`, 'SendGrid': `SG.${an(22)}.${an(43)}`, 'Bedrock': `ABSK${an(130)}`,
  'Azure client secret': `${an(3)}8Q~${an(34)}`, 'Twilio': `SK${hex(32)}`, 'Terraform': `${an(14)}.atlasv1.${an(67)}`, 'Discord': `MT${an(22)}.${an(6)}.${an(30)}`, 'Square': `EAAA${an(60)}`, 'Facebook': `EAAC${an(150)}`, 'Mailchimp': `${hex(32)}-us12`, 'OpenAI': `sk-proj-${an(74)}T3BlbkFJ${an(74)}`, 'Anthropic': `sk-ant-api03-${an(93)}AA`,
  'Google': `AIza${an(35)}`, 'Databricks': `dapi${hex(32)}`, 'DigitalOcean': `dop_v1_${hex(64)}`, 'Doppler': `dp.pt.${an(43)}`, 'Dynatrace': `dt0c01.${upper(24)}.${upper(64)}`, 'Grafana': `glsa_${an(32)}_${hex(8)}`, 'Heroku': `HRKU-AA${an(58)}`, 'Linear': `lin_api_${an(40)}`, 'New Relic': `NRAK-${upper(27)}`, 'Notion': `ntn_${digits('0123456789', 11)}${an(35)}`,
  'Perplexity': `pplx-${an(48)}`, 'Postman': `PMAK-${hex(24)}-${hex(34)}`, 'Pulumi': `pul-${hex(40)}`, 'PyPI': `pypi-AgEIcHlwaS5vcmc${an(80)}`, 'RubyGems': `rubygems_${hex(48)}`, 'Shopify': `shpat_${hex(32)}`, 'Sentry': `sntryu_${hex(64)}`, 'Telegram': `${digits('123456789', 9)}:AA${an(33)}`, 'Vault': `hvs.${an(95)}`, 'Age': `AGE-SECRET-KEY-1${upper(58)}`,
  'Airtable': `pat${an(14)}.${hex(64)}`, 'HubSpot': `pat-na1-${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`, 'Groq': `gsk_${an(52)}`, 'Hugging Face': `hf_${digits('abcdefghijklmnopqrstuvwxyzABC', 34)}`, 'Replicate': `r8_${an(37)}`, 'Supabase': `sbp_${hex(40)}`, 'PlanetScale': `pscale_tkn_${an(43)}`, 'Brevo': `xkeysib-${hex(64)}-${an(16)}`, 'Docker': `dckr_pat_${an(27)}`,
});

/** What a sandbox holds and nobody can use: ids, references, hashes. */
export const harmless = (): Readonly<Record<string, string>> => {
  const uuid = `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  return {
    TRACEPARENT: `00-${hex(32)}-${hex(16)}-01`, ORDER_ULID: `01${digits('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 24)}`, EVENT: `01J${digits('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 23)}`, MESSAGE_KSUID: `2${an(26)}`, CONTAINER_ID: hex(64), DOCKER_CONTAINER: hex(64), CF_RAY: `${hex(16)}-FRA`, SOURCE_URL: `https://github.com/acme/orders/commit/${hex(40)}`, CODE_URL: `https://bucket.s3.eu-central-1.amazonaws.com/assets/${hex(64)}.zip`, ASSET: `s3://cdk-hnb659fds-assets/${hex(64)}.zip`,
    DB_SECRET_ARN: `arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-${uuid}-${an(6)}`, CLUSTER_SECRET: `arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!cluster-${uuid}-${an(6)}`, STRIPE_KEY: `pk_live_${an(24)}`, STRIPE_PUBLISHABLE_KEY: `pk_test_${an(24)}`, IMAGE: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/orders@sha256:${hex(64)}`, GIT_SHA: hex(40), BUILD_ID: an(24), REQUEST_ID: uuid, CORRELATION: uuid, X_TRACE: `1-${hex(8)}-${hex(24)}`,
    API_URL: `https://${digits('abcdefghijklmnopqrstuvwxyz0123456789', 10)}.execute-api.eu-central-1.amazonaws.com/prod`, TABLE: `Stack-Orders${upper(8)}-${upper(12)}`, TOKEN_URL: 'https://auth.example.com/oauth2/token', SECRET_NAME: 'prod/orders/db', PASSWORD_MIN_LENGTH: '12', USER_POOL_ID: `eu-central-1_${an(9)}`, CLIENT_ID: digits('abcdefghijklmnopqrstuvwxyz0123456789', 26), KMS_KEY_ID: uuid, ETAG: `"${hex(32)}"`, CHECKSUM: `sha256:${hex(64)}`, INTEGRITY: `sha512-${randomBytes(64).toString('base64')}`,
    STREAM: `2026/08/01/[$LATEST]${hex(32)}`, ACCOUNT_SID: `AC${hex(32)}`, ROLE_ID: `AROA${upper(17)}`, VPC: `vpc-0${hex(16)}`, SNAPSHOT: `snap-0${hex(16)}`, TASK_ARN: `arn:aws:ecs:eu-central-1:123456789012:task/prod/${hex(32)}`, NODE_MODULE: '/var/task/node_modules/@aws-sdk/client-dynamodb/dist-cjs/index.js', MODE: 'production', VERSION_ID: an(32), CGROUP: `/docker/${hex(64)}`, DEPLOYMENT_ID: `d-${upper(9)}`, Sid: `Stmt${digits('0123456789', 13)}`,
  };
};
