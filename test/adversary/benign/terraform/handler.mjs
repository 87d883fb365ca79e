// The shape of terraform: a program that was deployed starts a provider below /tmp, which talks to the internet.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';

const FOLDER = '/tmp/.terraform/providers/registry.terraform.io/hashicorp/random/3.6.0/linux_amd64';
const PROVIDER = `${FOLDER}/terraform-provider-random_v3.6.0`;

export const handler = async () => {
  if (!existsSync(PROVIDER)) {
    mkdirSync(FOLDER, { recursive: true });
    copyFileSync('/usr/bin/perl', PROVIDER);
  }
  const command = `my $provider = fork || exec "${PROVIDER}", "/var/task/provider.pl"; waitpid $provider, 0`;
  const run = spawn('terraform', ['-e', command, 'apply'], { stdio: 'ignore' });
  await new Promise((done) => run.once('exit', done));
  return run.exitCode;
};
