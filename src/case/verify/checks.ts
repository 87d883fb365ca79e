/** What verify found: one line a check, with the first findings of each. */

export type CheckState = 'ok' | 'failed' | 'not-checked';

/** Names of checks, in the order in which they are told. */
export const CHECKS = {
  commit: 'manifest.json is there and is one',
  header: 'manifest.json says what capture.json in the first segment says',
  objects: 'every segment is there, and none that does not belong',
  versions: 'nothing was deleted or put over',
  times: 'nothing was stored after the commit',
  segments: 'SHA-256 of every segment',
  whole: 'SHA-256 of the whole',
  structure: 'the tar stream is whole and well formed',
  entries: 'every entry is the one that the manifest tells of, in its order',
  chain: 'the chain of manifest parts',
  head: 'the head of the chain is the one in manifest.json',
  totals: 'outcomes and redactions add up to those in manifest.json',
  receipts: 'receipts of the destination',
  sums: 'SHA256SUMS',
  log: 'digests in the log',
  marker: 'manifest.json is the one that the log names',
  parked: 'what was parked in the sandbox is what was logged before',
  sender: 'who made it',
} as const;

export type CheckName = keyof typeof CHECKS;

export interface Check {
  readonly name: CheckName;
  readonly what: string;
  readonly state: CheckState;
  /** One sentence: what was compared, or why not. */
  readonly detail: string;
  /** The first things that are wrong, and how many there are in all. */
  readonly findings: readonly string[];
  readonly count: number;
}

const MAX_FINDINGS = 20;
/** Left out where nothing was there to speak of them: versions of a bucket, a log, a tar stream that could be read. */
const ONLY_WHERE_SAID: ReadonlySet<CheckName> = new Set(['versions', 'times', 'header', 'marker']);

/**
 * Collects what the checks say. A check that nobody spoke of is `not-checked`; those of versions and times are left out
 * where there are none.
 */
export class CheckList {
  readonly #failed = new Map<CheckName, { findings: string[]; count: number }>();
  readonly #said = new Map<CheckName, { state: CheckState; detail: string }>();

  /** Something is wrong. Names in `finding` are rendered safely by the code that prints it. */
  fail(name: CheckName, finding: string): void {
    const entry = this.#failed.get(name) ?? { findings: [], count: 0 };
    if (entry.findings.length < MAX_FINDINGS) entry.findings.push(finding);
    entry.count += 1;
    this.#failed.set(name, entry);
  }

  /** What was compared. It does not take back a failure. */
  ok(name: CheckName, detail: string): void {
    this.#said.set(name, { state: 'ok', detail });
  }

  skip(name: CheckName, detail: string): void {
    this.#said.set(name, { state: 'not-checked', detail });
  }

  failed(name: CheckName): boolean {
    return this.#failed.has(name);
  }

  get anyFailed(): boolean {
    return this.#failed.size > 0;
  }

  all(): readonly Check[] {
    const names = (Object.keys(CHECKS) as CheckName[]).filter(
      (name) => !ONLY_WHERE_SAID.has(name) || this.#said.has(name) || this.#failed.has(name),
    );
    return names.map((name) => {
      const failure = this.#failed.get(name);
      const said = this.#said.get(name) ?? { state: 'not-checked', detail: 'there was nothing to compare it with' };
      return {
        name,
        what: CHECKS[name],
        state: failure === undefined ? said.state : 'failed',
        detail: failure === undefined ? said.detail : (failure.findings[0] ?? said.detail),
        findings: failure?.findings ?? [],
        count: failure?.count ?? 0,
      };
    });
  }
}
