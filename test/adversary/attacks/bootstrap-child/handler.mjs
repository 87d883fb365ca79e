// Harmless: the child is shared/poller.py, and ends after twenty invocations.
import { execSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';

export const handler = async (event, context) => {
  if (event.attack !== true) return 'ok';
  copyFileSync('/var/task/poller.py', '/tmp/bootstrap.py');
  execSync(`python3 /tmp/bootstrap.py ${context.awsRequestId}`);
};
