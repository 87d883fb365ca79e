/**
 * Credentials whose shape their issuers publish (token formats in their reference pages and secret scanning partners of
 * GitHub), listed after the rules were frozen and under names that do not tell. The values are drawn here.
 */
import type { Draw } from './draw.ts';

type Form = readonly [issuer: string, draw: (draw: Draw) => string];

const B64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** Azure puts a fixed signature in the middle of its keys (Microsoft.Security.Utilities). */
const azure =
  (before: number, sign: string, behind: number) =>
  (d: Draw): string =>
    `${d.of(B64, before)}${sign}${d.of(B64, behind)}=`;

const MODELS: readonly Form[] = [
  ['Anthropic admin', (d) => `sk-ant-admin01-${d.alnum(93)}AA`],
  ['Anthropic OAuth', (d) => `sk-ant-oat01-${d.alnum(93)}AA`],
  ['OpenAI service account', (d) => `sk-svcacct-${d.alnum(58)}T3BlbkFJ${d.alnum(58)}`],
  ['OpenRouter', (d) => `sk-or-v1-${d.hex(64)}`],
  ['DeepSeek', (d) => `sk-${d.hex(32)}`],
  ['Langfuse', (d) => `sk-lf-${d.uuid()}`],
  ['ElevenLabs', (d) => `sk_${d.hex(48)}`],
  ['Together', (d) => `tgp_v1_${d.base64url(32)}`],
  ['Fireworks', (d) => `fw_${d.alnum(22)}`],
  ['Cerebras', (d) => `csk-${d.lower(48)}`],
  ['Tavily', (d) => `tvly-dev-${d.alnum(32)}`],
  ['Firecrawl', (d) => `fc-${d.hex(32)}`],
  ['Groq', (d) => `gsk_${d.alnum(52)}`],
  ['xAI', (d) => `xai-${d.alnum(80)}`],
  ['Voyage', (d) => `pa-${d.base64url(32)}`],
  ['NVIDIA', (d) => `nvapi-${d.base64url(48)}`],
  ['Hugging Face organization', (d) => `api_org_${d.of('ABCDEFabcdefghijklmnopqrst', 34)}`],
];

const CLOUDS: readonly Form[] = [
  ['AWS session token', (d) => `IQoJb3JpZ2luX2Vj${d.base64(400)}`],
  ['Azure Event Hubs', azure(32, '+AEh', 7)],
  ['Azure Service Bus', azure(32, '+ASb', 7)],
  ['Azure IoT', azure(32, 'AIoT', 7)],
  ['Azure Storage', (d) => `${d.of(B64, 76)}+ASt${d.of(B64, 6)}==`],
  ['Azure Batch', (d) => `${d.of(B64, 76)}+ABa${d.of(B64, 6)}==`],
  ['Azure Cosmos DB', (d) => `${d.of(B64, 76)}ACDb${d.of(B64, 6)}==`],
  ['Azure Cache for Redis', azure(33, 'AzCa', 6)],
  ['Azure DevOps', (d) => `${d.alnum(52)}JQQJ99BCACAAAAA${d.alnum(9)}AZDO${d.alnum(4)}`],
  ['Google API key', (d) => `AIzaSy${d.base64url(24)}0`],
  ['Google OAuth client', (d) => `GOCSPX-${d.base64url(21)}`],
  ['Google access token', (d) => `ya29.a0${d.base64url(120)}`],
  ['Tencent', (d) => `AKID${d.alnum(32)}`],
  ['Baidu', (d) => `bce-v3/ALTAK-${d.alnum(21)}/${d.hex(40)}`],
  ['Cloudflare Origin CA', (d) => `v1.0-${d.hex(24)}-${d.hex(146)}`],
  ['DigitalOcean', (d) => `dop_v1_${d.hex(64)}`],
  ['Fly.io', (d) => `FlyV1 fm2_${d.base64(120)}`],
  ['Render', (d) => `rnd_${d.alnum(28)}`],
  ['Heroku', (d) => `HRKU-AA${d.alnum(58)}`],
  ['Netlify', (d) => `nfp_${d.alnum(40)}`],
  ['Databricks', (d) => `dapi${d.hex(32)}-2`],
  ['Confluent', (d) => `cflt${d.base64(45)}`],
  ['MongoDB Atlas', (d) => `mdb_sa_sk_${d.alnum(40)}`],
  ['Neon', (d) => `napi_${d.lower(64)}`],
  ['Supabase', (d) => `sb_secret_${d.alnum(22)}_${d.alnum(8)}`],
  ['PlanetScale', (d) => `pscale_pw_${d.alnum(43)}`],
  ['Xata', (d) => `xau_${d.alnum(40)}`],
  ['Vault', (d) => `hvs.CAESI${d.base64url(90)}`],
  ['Doppler', (d) => `dp.st.prd.${d.alnum(43)}`],
  ['1Password', (d) => `ops_eyJ${d.alnum(300)}`],
  ['Tailscale', (d) => `tskey-auth-k${d.alnum(11)}CNTRL-${d.alnum(32)}`],
  ['Infisical', (d) => `st.${d.hex(8)}-${d.hex(4)}-4${d.hex(3)}-9${d.hex(3)}-${d.hex(12)}.${d.hex(32)}.${d.hex(32)}`],
];

const BUILDS: readonly Form[] = [
  ['GitHub app', (d) => `ghs_${d.alnum(36)}`],
  ['GitHub OAuth', (d) => `gho_${d.alnum(36)}`],
  ['GitLab routable', (d) => `glpat-${d.base64url(30)}.01.0${d.lower(8)}`],
  ['GitLab runner', (d) => `glrt-${d.base64url(15)}`],
  ['Atlassian', (d) => `ATATT3xFfGF0${d.base64url(135)}=${d.hex(8).toUpperCase()}`],
  ['Bitbucket', (d) => `ATBB${d.alnum(28)}${d.hex(8).toUpperCase()}`],
  ['npm', (d) => `npm_${d.alnum(36)}`],
  ['PyPI', (d) => `pypi-AgEIcHlwaS5vcmc${d.base64url(110)}`],
  ['NuGet', (d) => `oy2${d.of('abcdefghijklmnopqrstuvwxyz234567', 43)}`],
  ['crates.io', (d) => `cio${d.alnum(32)}`],
  ['Docker organization', (d) => `dckr_oat_${d.base64url(24)}`],
  ['CircleCI', (d) => `CCIPAT_${d.alnum(22)}_${d.hex(40)}`],
  ['Buildkite', (d) => `bkua_${d.hex(40)}`],
  ['SonarQube', (d) => `squ_${d.hex(40)}`],
  ['Cursor', (d) => `key_${d.hex(64)}`],
  ['Postman', (d) => `PMAK-${d.hex(24)}-${d.hex(34)}`],
  ['Kong Konnect', (d) => `kpat_${d.alnum(50)}`],
  ['Terraform Cloud', (d) => `${d.alnum(14)}.atlasv1.${d.alnum(67)}`],
];

const SERVICES: readonly Form[] = [
  ['Stripe restricted', (d) => `rk_live_51${d.alnum(97)}`],
  ['Stripe webhook', (d) => `whsec_${d.alnum(32)}`],
  ['Paddle', (d) => `pdl_live_apikey_01h${d.of('0123456789abcdefghjkmnpqrstvwxyz', 23)}_${d.alnum(22)}_${d.alnum(3)}`],
  ['Mollie', (d) => `live_${d.alnum(30)}`],
  ['Brex', (d) => `bxt_${d.alnum(36)}`],
  ['Shopify', (d) => `shpca_${d.hex(32)}`],
  ['Slack bot', (d) => `xoxb-${d.digits(13)}-${d.digits(13)}-${d.alnum(24)}`],
  ['Slack app', (d) => `xapp-1-A0${d.upper(9)}-${d.digits(13)}-${d.hex(64)}`],
  ['Slack webhook', (d) => `https://hooks.slack.com/services/T0${d.upper(9)}/B0${d.upper(9)}/${d.alnum(24)}`],
  ['Discord webhook', (d) => `https://discord.com/api/webhooks/${d.digits(19)}/${d.base64url(51)}`],
  ['Telegram', (d) => `${d.digits(10)}:AA${d.base64url(24)}${d.alnum(1)}`],
  ['Twilio', (d) => `SK${d.hex(32)}`],
  ['SendGrid', (d) => `SG.${d.base64url(16)}.${d.base64url(32)}`],
  ['Mailgun', (d) => `${d.hex(32)}-${d.hex(8)}-${d.hex(8)}`],
  ['MailerSend', (d) => `mlsn.${d.hex(64)}`],
  ['Mailchimp', (d) => `${d.hex(32)}-us${d.number(20) + 1}`],
  ['Grafana Cloud', (d) => `glc_eyJ${d.alnum(120)}`],
  ['New Relic', (d) => `NRAK-${d.upper(27)}`],
  ['Honeycomb', (d) => `hcaik_01${d.of('0123456789abcdefghjkmnpqrstvwxyz', 24)}${d.lower(32)}`],
  ['Axiom', (d) => `xaat-${d.uuid()}`],
  ['Logfire', (d) => `pylf_v1_us_${d.alnum(43)}`],
  ['Sentry organization', (d) => `sntrys_eyJ${d.alnum(150)}_${d.base64(32).replace('=', '')}`],
  ['PostHog', (d) => `phx_${d.alnum(43)}`],
  ['Airtable', (d) => `pat${d.alnum(14)}.${d.hex(64)}`],
  ['Notion', (d) => `ntn_${d.digits(11)}${d.alnum(35)}`],
  ['Linear', (d) => `lin_api_${d.alnum(40)}`],
  ['ClickUp', (d) => `pk_${d.digits(8)}_${d.upper(32)}`],
  ['Asana', (d) => `2/${d.digits(16)}/${d.digits(16)}:${d.hex(32)}`],
  ['HubSpot', (d) => `pat-eu1-${d.uuid()}`],
  ['Figma', (d) => `figd_${d.base64url(30)}`],
  [
    'Mapbox',
    (d) => `sk.${Buffer.from(JSON.stringify({ u: 'acme', a: d.lower(25) })).toString('base64url')}.${d.base64url(16)}`,
  ],
  ['Clerk', (d) => `sk_live_${d.alnum(42)}`],
  ['Stytch', (d) => `secret-live-${d.base64url(27)}`],
  ['LaunchDarkly mobile', (d) => `mob-${d.uuid()}`],
  ['Sanity', (d) => `sk${d.alnum(150)}`],
  ['JWT', (d) => `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx${d.alnum(20)}In0.${d.base64url(32)}`],
  ['PEM', (d) => `-----BEGIN PRIVATE KEY-----\n${d.base64(48)}\n${d.base64(48)}\n-----END PRIVATE KEY-----`],
  ['database URL', (d) => `postgres://app:${d.alnum(16)}@db.internal:5432/orders`],
];

export const ISSUED: readonly Form[] = [...MODELS, ...CLOUDS, ...BUILDS, ...SERVICES];
export const UNTELLING: readonly string[] = ['config', 'value', 'data', 'url', 'setting', 'item'];
