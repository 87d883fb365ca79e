import { DatabaseSync } from 'node:sqlite';
import Database from 'better-sqlite3';

const builtIn = new DatabaseSync('/tmp/built-in.db');
const native = new Database('/tmp/native.db');
native.pragma('journal_mode = WAL');
for (const database of [builtIn, native]) database.exec('CREATE TABLE IF NOT EXISTS seen (at INTEGER)');

export const handler = async () => {
  for (const database of [builtIn, native]) database.prepare('INSERT INTO seen VALUES (?)').run(Date.now());
  return native.prepare('SELECT count(*) AS n FROM seen').get().n;
};
