// Harmless: the new runtime is Python with shared/poller.py, and ends after twenty invocations.
import { chmodSync, copyFileSync } from 'node:fs';

export const handler = async (event, context) => {
  if (event.attack !== true) return 'ok';
  copyFileSync('/usr/bin/python3', '/tmp/new_runtime');
  chmodSync('/tmp/new_runtime', 0o777);
  // The arguments stay those of the runtime, as far as they can.
  process.execve('/tmp/new_runtime', ['/var/lang/bin/node', '/var/task/poller.py', context.awsRequestId], process.env);
};
