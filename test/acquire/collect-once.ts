/**
 * One collection in a process of its own, so that its memory can be measured: prints the report and the peak of
 * resident memory as JSON. Arguments: endpoint, folder, sources, access key ids, begin of the window, state file, bytes
 * of a segment.
 */
import { pathToFileURL } from 'node:url';
import { runCollection } from '../../src/acquire/collect.ts';
import { resolveConfig } from '../../src/config/config.ts';

const [endpoint = '', out = '', sources = '', keys = '', sinceMs = '', statePath = '', segmentBytes = '8MiB'] =
  process.argv.slice(2);
const report = await runCollection({
  functionName: 'checkout',
  config: resolveConfig({ destination: pathToFileURL(out).href }, { AMBER_SEGMENT_BYTES: segmentBytes }),
  clients: { region: 'eu-central-1', endpoint, paced: false },
  window: sinceMs === '' ? {} : { sinceMs: Number(sinceMs) },
  accessKeyIds: keys.split(',').filter((key) => key !== ''),
  sources: sources.split(','),
  ...(statePath === '' ? {} : { statePath }),
  signal: new AbortController().signal,
});
process.stdout.write(JSON.stringify({ report, peakBytes: process.resourceUsage().maxRSS * 1024 }));
