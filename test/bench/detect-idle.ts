/** What a wrapped function asks at each invocation, so often as the argument says: for strace, see detect.ts. */
import { openChangeMonitor } from '../../src/host/monitor/change-monitor.ts';
import { openProbe } from '../../src/host/monitor/probe.ts';

const changeMonitor = openChangeMonitor(
  (spawned) => openProbe(['/tmp', '/dev/shm'], spawned),
  process.env,
  () => new Promise(() => undefined),
  { ask: () => undefined, begin: () => true, fault: (error) => console.error(error) },
);
for (let invocation = 1; invocation <= Number(process.argv[2]); invocation += 1) changeMonitor.begins(invocation);
