/**
 * `npm run docs`: writes the tables of the documents from the registries.
 * They stand between `<!-- table: NAME -->` and `<!-- /table -->`.
 * A test renders them again and compares, so that no document drifts.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { HUNTS } from '../src/hunt/index.ts';
import { SOURCES } from '../src/acquire/index.ts';
import { TIMELINE_SOURCES } from '../src/case/timeline/sources.ts';
import { COLLECTORS } from '../src/collect/index.ts';
import { OPTIONS } from '../src/config/config.ts';
import { DETECTORS } from '../src/detect/index.ts';
import { CHANNELS } from '../src/ship/channels/index.ts';
import { DESTINATIONS } from '../src/ship/index.ts';
import { TRIGGERS } from '../src/trigger/index.ts';

type Row = readonly string[];

const TABLES: Readonly<Record<string, () => readonly Row[]>> = {
  collectors: () => [
    ['collector', 'tier', 'what it preserves'],
    ...COLLECTORS.map((one) => [`\`${one.name}\`${one.optIn === true ? ' (opt-in)' : ''}`, one.tier, one.description]),
  ],
  sources: () => [
    ['source', 'what it collects', 'needs'],
    ...SOURCES.map((one) => [
      `\`${one.name}\``,
      one.description,
      one.actions.map((action) => `\`${action}\``).join(' '),
    ]),
  ],
  timeline: () => [
    ['`--source`', 'events'],
    ...TIMELINE_SOURCES.filter(({ fallback }) => fallback !== true).map((one) => [`\`${one.name}\``, one.description]),
  ],
  hunts: () => [
    ['hunt', 'ATT&CK', 'finds', 'looks alike'],
    ...HUNTS.map((one) => [`\`${one.id}\``, one.technique, one.title, one.benign]),
  ],
  detectors: () => [
    ['detector', 'ATT&CK', 'at most', 'finds', 'looks the same'],
    ...DETECTORS.map((one) => [
      `\`${one.name}\``,
      one.technique.id,
      one.severity,
      one.description,
      one.benign.join('; '),
    ]),
  ],
  triggers: () => [
    ['trigger', 'what starts a capture'],
    ...TRIGGERS.map((one) => [`\`${one.name}\``, one.description]),
  ],
  destinations: () => [['URL', 'where'], ...DESTINATIONS.map((one) => [`\`${one.protocol}\``, one.description])],
  channels: () => [
    ['AMBER_CONTROL', 'where orders are read'],
    ...CHANNELS.map((one) => [`\`${one.protocol}\``, one.description]),
  ],
  options: () => [
    ['variable', 'in code', 'default', 'meaning'],
    ...Object.entries(OPTIONS).map(([name, option]) => [
      `\`${option.env}\``,
      `\`${name}\``,
      shown(option.fallback),
      option.doc,
    ]),
  ],
};

/** Every document of the project. */
export const DOCUMENTS: readonly string[] = globSync([
  '*.md',
  '.github/*.md',
  '{layer,test,src}/README.md',
  'src/*/README.md',
  'examples/*/README.md',
]).sort();

/** The names of the tables. */
export const TABLE_NAMES: readonly string[] = Object.keys(TABLES);

/** A document with its tables as the registries give them. */
export function withTables(document: string): string {
  return document.replaceAll(/<!-- table: (\w+) -->\n[\s\S]*?<!-- \/table -->/gu, (_, name: string) => {
    const [head = [], ...rows] = TABLES[name]?.() ?? [];
    const lines = [head, head.map(() => '---'), ...rows].map(
      (row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
    );
    return `<!-- table: ${name} -->\n${lines.join('\n')}\n<!-- /table -->`;
  });
}

const MIB = 1024 * 1024;

function shown(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number' && value >= MIB && value % MIB === 0) return `${value / MIB} MiB`;
  return Array.isArray(value) ? value.join(',') : JSON.stringify(value).replaceAll('"', '');
}

if (import.meta.main) {
  for (const path of DOCUMENTS) writeFileSync(path, withTables(readFileSync(path, 'utf8')));
}
