import { mkdirSync, writeFileSync } from 'node:fs';
import { fromEnv, fromIni, fromProcess } from '@aws-sdk/credential-providers';

// Ids that look like any, and belong to nobody.
const ID = ['AKIA', 'Z5QQHV7NDT3LMEXW'].join('');
const FILE = `[default]
aws_access_key_id = ${ID}
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY

[tool]
credential_process = /opt/bin/credential-tool
`;

export const handler = async () => {
  mkdirSync('/tmp/.aws', { recursive: true });
  writeFileSync('/tmp/.aws/credentials', FILE);
  const files = { filepath: '/tmp/.aws/credentials', configFilepath: '/tmp/.aws/config', ignoreCache: true };
  const got = [
    await fromEnv()(),
    await fromIni({ ...files, profile: 'default' })(),
    await fromProcess({ ...files, profile: 'tool' })(),
  ];
  return got.map(({ accessKeyId }) => accessKeyId);
};
