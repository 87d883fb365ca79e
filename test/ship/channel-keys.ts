/** Credentials that the stand-ins of AWS services take. */
export const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDCHANNEL', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-central-1' };
