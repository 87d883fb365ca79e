/**
 * Credentials that show themselves by their shape. A new one is one line.
 *
 * The prefixes and lengths are facts that the issuers publish; they were compared with the rules of gitleaks and of
 * TruffleHog. Rules of theirs that only name a service and take any run of letters are not here: names.ts has those
 * names.
 */

export interface Shape {
  readonly name: string;
  /** How it begins. Each is tried where it stands, and nothing else of the text is looked at. */
  readonly leads: readonly string[];
  /** What follows a lead. Its runs are of one character class each, so it ends in time that grows with the text. */
  readonly tail: string;
  /** What stands in front of the lead and belongs to the secret. It is read backwards, so each run needs a bound. */
  readonly back?: string;
  /** The character in front may not be of this class: the lead would be in the middle of something else. */
  readonly fresh?: string;
  /** What stands in front only tells of the secret, and stays. */
  readonly apart?: true;
  /** This many characters in front belong to the neighbour. */
  readonly keep?: number;
  readonly accept?: (found: string) => boolean;
}

const ALNUM = 'A-Za-z0-9';
const WORD = '\\w-';
const end = (run: string): string => `(?![${run}])`;
const words = (leads: string): string[] => leads.split(' ');
/** A lead and one run behind it. */
const run = (name: string, leads: string, characters: string, least: number, most = 512): Shape => ({
  name,
  leads: words(leads),
  tail: `[${characters}]{${least},${most}}`,
});
/** The same, alone: a word that begins and ends there. */
const word = (name: string, leads: string, characters: string, least: number, most = 512): Shape => ({
  name,
  leads: words(leads),
  tail: `[${characters}]{${least},${most}}${end(characters)}`,
  fresh: characters.includes('w') ? WORD : ALNUM,
});

/** The first characters tell. A text of leads alone is asked at each of them, so no answer may take long. */
const mixed = (found: string): boolean =>
  /\d/u.test(found) && /[A-Z]/u.test(found) && new Set(found.slice(0, 64)).size > 9;
const UUID = '[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}';
const HEX_KEY = new RegExp(`[0-9a-f]{32}|${UUID}`, 'u');
const SPACE = '(?:[ +]|%20|\\\\u0020)';
const LINE = '(?:\\r?\\n|(?:\\\\{1,7}r)?\\\\{1,7}n|%0[Dd]%0[Aa]|%0[Aa])';
const IN_PEM = '[A-Za-z0-9+/=\\s\\\\:,.%]';

/** Keys and tokens that several issuers write in one way. */
const GENERAL: readonly Shape[] = [
  {
    name: 'jwt',
    leads: ['eyJ', 'ewog', 'ewoi'],
    tail: `[${WORD}]{8,}\\.[${WORD}]{8,}(?:\\.[${WORD}]*){0,3}`,
    fresh: WORD,
  },
  {
    name: 'private-key',
    leads: ['-----BEGIN', '---- BEGIN'],
    tail: `${SPACE}(?:[A-Z0-9]{1,12}${SPACE}){0,4}PRIVATE${SPACE}KEY(?:${SPACE}BLOCK)?-----(?:${IN_PEM}|-(?!----)){0,65536}(?:-----END${SPACE}[A-Z0-9 +%]{1,60}-----)?`,
  },
  {
    name: 'private-key',
    leads: ['LS0tLS1CRUdJTi'],
    tail: '[A-Za-z0-9+/_-]{40,}={0,2}',
    fresh: 'A-Za-z0-9+/_-',
    accept: (found) => Buffer.from(found.slice(0, 80), 'base64').includes('PRIVATE KEY'),
  },
  {
    name: 'putty-key',
    leads: ['Private-Lines:'],
    tail: `[ \\t]{0,8}\\d{1,4}${LINE}[A-Za-z0-9+/=\\s\\\\]{16,65536}(?:-MAC:[ \\t]{0,8}[0-9a-f]{40,64})?`,
    keep: 14,
  },
  run('age-identity', 'AGE-SECRET-KEY-', 'A-Z0-9-', 20),
  { name: 'function-key', leads: ['?code=', '&code='], tail: '[\\w%+/=-]{40,512}', keep: 6, accept: mixed },
];

/** Clouds, and what runs in them. */
// biome-ignore format: a table, several words a line
const CLOUDS: readonly Shape[] = [
  run('aws-session-token', 'IQoJb3JpZ2lu FwoGZXIvYXdz FQoGZXIvYXdz FQoDYXdz', 'A-Za-z0-9+/=_%-', 40, 8192),
  word('aws-bedrock-key', 'ABSK', 'A-Za-z0-9+/=', 100),
  run('aws-bedrock-key', 'bedrock-api-key-', 'A-Za-z0-9+/=_%-', 24, 8192),
  { name: 'azure-client-secret', leads: words('0Q~ 1Q~ 2Q~ 3Q~ 4Q~ 5Q~ 6Q~ 7Q~ 8Q~ 9Q~'), back: '[\\w~.-]{3}', tail: '[\\w~.-]{31,34}' },
  { name: 'azure-storage-key', leads: words('+ASt +ACR +ABa +AEh +ASb +ARm +AMC ACDb AIoT APIM AzFu AzSe AzCa'), back: '[A-Za-z0-9+/]{32,80}', tail: '[A-Za-z0-9+/]{6,10}(?:==?)?' },
  { name: 'google-key', leads: ['AIza'], tail: `[${WORD}]{35}` },
  run('google-key', 'GOCSPX-', WORD, 24), run('google-key', 'ya29.', WORD, 20, 2048),
  { name: 'google-refresh-token', leads: ['1//0'], tail: `[${WORD}]{30,256}`, fresh: '\\w/-' },
  run('alibaba-key', 'LTAI', ALNUM, 17, 30), run('yandex-key', 'AQVN', WORD, 35, 48), word('yandex-key', 'YC', WORD, 38, 38),
  { name: 'yandex-token', leads: ['t1.'], tail: `[${WORD}=]{20,400}\\.[${WORD}]{60,}`, fresh: WORD },
  run('digitalocean-token', 'dop_v1_ doo_v1_ dor_v1_', '0-9a-f', 64), run('heroku-key', 'HRKU-', WORD, 36),
  run('vault-token', 'hvs. hvb. hvr.', WORD, 24), { name: 'vault-token', leads: ['s.'], tail: `[${ALNUM}]{24}${end(ALNUM)}`, fresh: '\\w.', accept: mixed },
  { name: 'terraform-token', leads: ['.atlasv1.'], back: '[A-Za-z0-9]{14}', tail: '[\\w=-]{60,70}' },
  run('pulumi-token', 'pul-', '0-9a-f', 40), run('fly-token', 'fm1a_ fm1r_ fm2_ fo1_', 'A-Za-z0-9+/=,_-', 40, 1024), { name: 'doppler-token', leads: words('dp.pt. dp.ct. dp.st. dp.sa. dp.scim. dp.audit.'), tail: '(?:[a-z0-9_-]{2,35}\\.)?[A-Za-z0-9]{40,44}' },
  run('planetscale-token', 'pscale_tkn_ pscale_pw_ pscale_oauth_', '\\w=-', 32), run('supabase-key', 'sbp_ sb_secret_', '\\w', 24),
  run('databricks-token', 'dapi', '0-9a-f', 32, 34), { name: 'cloudflare-ca-key', leads: ['v1.0-'], tail: '[A-Za-z0-9-]{100,}', fresh: WORD }, run('cloudflare-token', 'cfut_ cfat_ cfk_', ALNUM, 40),
  run('openshift-token', 'sha256~', WORD, 43), run('scalingo-token', 'tk-us-', WORD, 40), word('clickhouse-key', '4b1d', ALNUM, 38, 38), run('aiven-token', 'AVNS_', WORD, 16),
  run('infracost-key', 'ico-', ALNUM, 32), run('tailscale-key', 'tskey-', WORD, 20), run('prefect-key', 'pnu_ pnb_', ALNUM, 36), run('salad-key', 'salad_cloud_', '\\w', 14),
];

/** Source control, packages, builds. */
// biome-ignore format: a table, several words a line
const BUILDS: readonly Shape[] = [
  run('github-token', 'ghp_ gho_ ghu_ ghs_ ghr_', ALNUM, 30), run('github-token', 'github_pat_', '\\w', 22),
  { name: 'gitlab-token', leads: words('glpat- gldt- glrt- glsoat- glcbt- glptt- glft- glimt- glagent- glffct- gloas- glrtr- glwt-'), tail: '[\\w-]{20,300}(?:\\.[0-9a-z]{2}\\.?[0-9a-z]{7,10})?' }, run('gitlab-token', 'GR1348941', WORD, 20), run('gitlab-session', '_gitlab_session=', ALNUM, 32),
  run('bitbucket-token', 'ATBB ATCTT3 ATATT', '\\w=-', 24, 1024), run('bitbucket-token', 'BBDC-', 'A-Za-z0-9+/@_-', 40),
  run('npm-token', 'npm_', ALNUM, 36), run('pypi-token', 'pypi-AgE', WORD, 50, 1024), run('rubygems-key', 'rubygems_', '0-9a-f', 48), run('clojars-token', 'CLOJARS_', ALNUM, 60), run('docker-token', 'dckr_pat_ dckr_oat_', WORD, 20),
  word('artifactory-key', 'AKCp', ALNUM, 60, 80), word('artifactory-token', 'cmVmd', ALNUM, 56, 64), run('circleci-token', 'CCIPAT_ CCIPRJ_', '\\w', 40), run('buildkite-token', 'bkua_ bkat_', ALNUM, 36), word('octopus-key', 'API-', 'A-Z0-9', 26, 30),
  run('sonar-token', 'squ_ sqp_ sqa_', ALNUM, 40), run('sourcegraph-token', 'sgp_ slk_', '\\w', 40), { name: 'harness-token', leads: ['pat.', 'sat.'], tail: '[\\w-]{22}\\.[A-Za-z0-9]{24}\\.[A-Za-z0-9]{20}' }, { name: 'snyk-token', leads: ['snyk_uat.', 'snyk_sat.'], tail: '[0-9a-f]{8}\\.[\\w.-]{20,300}' }, run('postman-key', 'PMAK-', WORD, 40),
  run('netlify-token', 'nfp_ nfc_ nfo_', ALNUM, 36), run('vercel-token', 'vcp_ vck_ vci_ vca_ vcr_', ALNUM, 24), run('cargo-token', 'cio', ALNUM, 32, 32), run('readme-key', 'rdme_', ALNUM, 60), run('figma-token', 'figd_ figp_ figu_', WORD, 40),
  run('sentry-token', 'sntrys_ sntryu_', 'A-Za-z0-9+/=_', 60, 1024),
];

/** Mail, chat, telephone. */
// biome-ignore format: a table, several words a line
const MESSAGES: readonly Shape[] = [
  { name: 'slack-token', leads: words('xoxa- xoxb- xoxc- xoxe- xoxo- xoxp- xoxr- xoxs- xoxd- xoxe.xoxp- xoxe.xoxb-'), tail: `[\\w%-]{10,512}` }, { name: 'slack-token', leads: ['xapp-'], tail: `\\d-[${WORD}]{10,512}` },
  run('slack-webhook', 'hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/', '\\w/-', 20), run('teams-webhook', '.webhook.office.com/webhookb2/', '\\w/@-', 40), run('zapier-webhook', 'hooks.zapier.com/hooks/catch/', '\\w/-', 8), run('tines-webhook', '.tines.com/webhook/', '\\w/-', 40),
  { name: 'discord-webhook', leads: ['/api/webhooks/'], tail: '\\d{15,20}/[\\w-]{40,128}' },
  { name: 'discord-token', leads: words('MD MT Mj Mz ND NT Nj Nz OD OT Oj Oz'), tail: `[${WORD}]{21,26}\\.[${WORD}]{6,7}\\.[${WORD}]{27,40}${end(WORD)}`, fresh: '\\w.-' }, run('discord-token', 'mfa.', WORD, 60, 128),
  { name: 'telegram-token', leads: [':AA'], back: '\\d{5,16}', apart: true, keep: 1, tail: `[${WORD}]{32,34}` },
  { name: 'sendgrid-key', leads: ['SG.'], tail: `[${WORD}]{16,64}\\.[${WORD}]{16,128}`, fresh: WORD }, word('mailgun-key', 'key-', '0-9a-f', 32, 32), { name: 'mailchimp-key', leads: ['-us'], back: '[0-9a-f]{32}', tail: '\\d{1,2}(?!\\d)' }, run('brevo-key', 'xkeysib- xsmtpsib-', WORD, 60),
  word('twilio-key', 'SK', '0-9a-fA-F', 32, 32), { name: 'mandrill-key', leads: ['md-'], tail: `[${WORD}]{22}${end(WORD)}`, fresh: WORD, accept: mixed }, { name: 'resend-key', leads: ['re_'], tail: '[A-Za-z0-9_]{30,48}', fresh: ALNUM, accept: mixed },
];

/** Money, shops. */
// biome-ignore format: a table, several words a line
const PAYMENTS: readonly Shape[] = [
  run('stripe-key', 'sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_', '\\w', 10), run('stripe-webhook', 'whsec_', 'A-Za-z0-9+/=', 24), { name: 'stripe-client-secret', leads: ['_secret_'], back: '(?:pi|seti|cs)_[A-Za-z0-9]{14,40}', tail: `[${ALNUM}]{20,40}` },
  { ...word('square-token', 'EAAA', WORD, 56, 64), accept: mixed }, run('square-token', 'sq0atp- sq0csp- sq0idb-', WORD, 22, 64), word('facebook-token', 'EAAC EAAM EAAB EAAD EAAG EAAE EAAF EAAH EAAI EAAJ EAAL', ALNUM, 80), word('instagram-token', 'IGQV IGAA', WORD, 80),
  { name: 'facebook-token', leads: words('0| 1| 2| 3| 4| 5| 6| 7| 8| 9|'), back: '\\d{14,15}', tail: `[${WORD}]{27,40}${end(WORD)}` },
  run('shopify-token', 'shpat_ shpca_ shppa_ shpss_ shltm_', ALNUM, 32), { name: 'paypal-token', leads: ['access_token$'], tail: '(?:production|sandbox)\\$[\\w$]{32,80}' }, { name: 'plaid-token', leads: ['access-sandbox-', 'access-development-', 'access-production-'], tail: UUID },
  run('flutterwave-key', 'FLWSECK_TEST- FLWSECK-', 'A-Za-z0-9-', 12), run('shippo-token', 'shippo_live_ shippo_test_', ALNUM, 32), run('razorpay-key', 'rzp_live_ rzp_test_', ALNUM, 14), word('lob-key', 'live_ test_', '0-9a-f', 35, 35), { name: 'gocardless-token', leads: ['live_'], tail: `[${WORD}=]{40}${end(WORD)}`, fresh: WORD, accept: mixed }, run('easypost-key', 'EZAK EZTK', ALNUM, 54),
  word('secret-key', 'sk_', ALNUM, 29), run('duffel-token', 'duffel_live_ duffel_test_', '\\w=-', 40), run('ramp-key', 'ramp_sec_', ALNUM, 40), { name: 'adyen-key', leads: ['AQE'], tail: '[A-Za-z0-9+/=_-]{80,512}', fresh: 'A-Za-z0-9+/_-' }, run('frameio-token', 'fio-u-', '\\w=-', 60),
];

/** Models, watchers, tables, everything else. */
// biome-ignore format: a table, several words a line
const SERVICES: readonly Shape[] = [
  { name: 'openai-key', leads: ['sk-'], tail: `[${WORD}]{20,512}`, fresh: ALNUM, accept: (found) => /\d/u.test(found) && (mixed(found) || HEX_KEY.test(found)) }, run('groq-key', 'gsk_', ALNUM, 40), run('xai-key', 'xai-', '\\w', 60), run('perplexity-key', 'pplx-', ALNUM, 40), run('replicate-token', 'r8_', WORD, 37), run('nvidia-key', 'nvapi-', WORD, 60),
  run('huggingface-token', 'hf_ api_org_', ALNUM, 30), run('langsmith-key', 'lsv2_pt_ lsv2_sk_', '\\w', 32), run('pinecone-key', 'pcsk_', '\\w', 40),
  run('grafana-token', 'glsa_ glc_', 'A-Za-z0-9_=+/', 32), run('newrelic-key', 'NRAK- NRII- NRIQ- NRJS- NRBR-', WORD, 19), { name: 'newrelic-key', leads: ['FFFFNRAL', '-NRMA'], back: '[0-9a-z]{26,42}', tail: '' },
  { name: 'dynatrace-token', leads: ['dt0c01.', 'dt0s01.', 'dt0s16.'], tail: `[${ALNUM}]{24,32}\\.[${ALNUM}]{64}` }, run('posthog-key', 'phx_', '\\w', 40), run('rootly-token', 'rootly_', '0-9a-f', 60), word('launchdarkly-key', 'sdk- api-', '0-9a-f-', 36, 36), run('statsig-key', 'secret-', ALNUM, 40),
  { name: 'airtable-token', leads: ['pat'], tail: `[${ALNUM}]{14}\\.[0-9a-f]{64}`, fresh: ALNUM }, run('notion-token', 'ntn_ secret_', ALNUM, 40), run('linear-key', 'lin_api_ lin_oauth_', ALNUM, 32), run('typeform-token', 'tfp_', '\\w=-', 40), run('contentful-token', 'CFPAT-', WORD, 40), run('apify-token', 'apify_api_', WORD, 30), run('adafruit-key', 'aio_', ALNUM, 28, 28),
  { name: 'hubspot-token', leads: ['pat-na1-', 'pat-eu1-', 'pat-na2-'], tail: UUID }, { name: 'maxmind-key', leads: ['_mmk'], back: '[A-Za-z0-9]{6}_[A-Za-z0-9]{29}', tail: '' }, { name: 'adobe-secret', leads: ['p8e-'], tail: `[${ALNUM}]{32}`, fresh: ALNUM },
  { name: 'onepassword-key', leads: ['A3-'], tail: '[A-Z0-9]{6}-[A-Z0-9-]{11,13}(?:-[A-Z0-9]{5}){3}', fresh: ALNUM }, run('onepassword-token', 'ops_eyJ', 'A-Za-z0-9+/=', 100, 2048), run('settlemint-token', 'sm_aat_ sm_pat_ sm_sat_', ALNUM, 16), { name: 'defined-key', leads: ['dnkey-'], tail: '[\\w=-]{26,96}', fresh: ALNUM },
  { name: 'zoho-token', leads: ['1000.'], tail: '[0-9a-f]{32}\\.[0-9a-f]{32}', fresh: '\\w.' }, { name: 'salesforce-session', leads: ['00D'], tail: `[${ALNUM}]{12}![\\w.]{80,128}`, fresh: ALNUM }, run('salesforce-key', '3MVG9', '\\w.+/=', 80), run('intra42-secret', 's-s4t2ud- s-s4t2af- u-s4t2ud- u-s4t2af-', '0-9a-f', 64),
  run('endor-key', 'endr+', 'A-Za-z0-9-', 16), run('grafana-key', 'eyJrIjoi', 'A-Za-z0-9=', 60), run('zuplo-key', 'zpka_', '\\w', 32), { name: 'authress-key', leads: ['.acc_', '.acc-'], back: '(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\\.[A-Za-z0-9]{4,6}', tail: '[\\w-]{10,32}\\.[\\w+/=-]{30,120}' },
  { name: 'pubnub-key', leads: ['sec-c-'], tail: '[A-Za-z0-9=]{40,64}' }, { name: 'rancher-token', leads: ['token-'], tail: '[a-z0-9]{5}:[a-z0-9]{40,60}' }, { name: 'bannerbear-key', leads: ['bb_pr_', 'bb_ma_'], tail: '[0-9a-f]{30}' }, { name: 'dropbox-token', leads: ['sl.'], tail: `(?:[a-z]\\.)?[${WORD}=]{120,2048}`, fresh: WORD }, { name: 'secret-token', leads: ['secret-token:'], tail: '[\\w%.~-]{12,512}' },
];

/** Formats that issuers have published since: a prefix of their own, so that scanners find them. */
// biome-ignore format: a table, several words a line
const RECENT: readonly Shape[] = [
  run('together-key', 'tgp_v1_', WORD, 40), { ...word('fireworks-key', 'fw_', ALNUM, 22, 28), accept: mixed },
  word('cerebras-key', 'csk-', ALNUM, 40), run('tavily-key', 'tvly-', WORD, 24), word('firecrawl-key', 'fc-', '0-9a-f', 32, 32),
  { ...word('voyage-key', 'pa-', WORD, 43, 43), accept: mixed }, run('runpod-key', 'rpa_', ALNUM, 40),
  run('jina-key', 'jina_', '\\w-', 50), run('e2b-key', 'e2b_', '0-9a-f', 40), run('wandb-key', 'wandb_v1_', '\\w', 40),
  // Microsoft's common format: a fixed signature, then the place and the date of issue.
  { name: 'azure-key', leads: ['JQQJ9'], back: `[${ALNUM}]{52}`, tail: '[A-Za-z0-9+/]{20,40}' },
  word('tencent-key', 'AKID', ALNUM, 32, 32), { name: 'baidu-key', leads: ['bce-v3/ALTAK-'], tail: '[\\w-]{10,40}/[0-9a-f]{40}' },
  { ...run('render-key', 'rnd_', ALNUM, 28, 40), accept: mixed }, { ...word('confluent-secret', 'cflt', 'A-Za-z0-9+/', 52, 72), accept: mixed },
  run('neon-key', 'napi_', ALNUM, 60), run('xata-key', 'xau_', ALNUM, 36), run('mongodb-secret', 'mdb_sa_sk_', WORD, 36),
  { name: 'infisical-token', leads: ['st.'], tail: '[0-9a-f-]{24,36}\\.[0-9a-f]{32}\\.[0-9a-f]{32}', fresh: '\\w.' },
  word('nuget-key', 'oy2', 'a-z2-7', 43, 43), word('cursor-key', 'key_', '0-9a-f', 64, 64), run('kong-token', 'kpat_', ALNUM, 40),
  run('paddle-key', 'pdl_live_apikey_ pdl_sdbx_apikey_', '\\w', 40), { ...word('mollie-key', 'live_ test_', ALNUM, 30, 30), accept: mixed },
  run('brex-token', 'bxt_', ALNUM, 32), run('mailersend-token', 'mlsn.', '0-9a-f', 64),
  run('honeycomb-key', 'hcaik_ hcxik_ hcamk_ hcxmk_ hcaic_ hcxic_', ALNUM, 50), { name: 'axiom-token', leads: ['xaat-', 'xapt-'], tail: UUID },
  run('logfire-token', 'pylf_v', 'a-zA-Z0-9_', 40), { name: 'clickup-token', leads: ['pk_'], tail: `\\d{4,12}_[A-Z0-9]{32}${end(ALNUM)}`, fresh: '\\w' },
  { name: 'asana-token', leads: ['1/', '2/'], tail: '\\d{13,20}(?:/\\d{13,20})?:[0-9a-f]{32}', fresh: ALNUM },
  run('stytch-secret', 'secret-live- secret-test-', '\\w=-', 30), { name: 'launchdarkly-key', leads: ['mob-'], tail: UUID, fresh: ALNUM },
  word('sanity-token', 'sk', ALNUM, 140, 200), run('ory-token', 'ory_pat_ ory_apikey_ ory_st_ ory_at_ ory_rt_', '\\w-', 24),
  run('polar-token', 'polar_oat_ polar_pat_', ALNUM, 32), run('inngest-key', 'signkey-prod- signkey-test- signkey-branch-', '0-9a-f', 32),
  run('trigger-key', 'tr_dev_ tr_prod_ tr_stg_', ALNUM, 20), { ...run('calcom-key', 'cal_live_ cal_test_', ALNUM, 28), accept: (found) => /\d/u.test(found) },
];

export const SHAPES: readonly Shape[] = [
  ...GENERAL,
  ...CLOUDS,
  ...BUILDS,
  ...MESSAGES,
  ...PAYMENTS,
  ...SERVICES,
  ...RECENT,
];
