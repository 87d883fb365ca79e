/** What a manifest of test/adversary/attacks or test/adversary/benign says. */
import type { Place } from '../../sandbox/lambda-root.ts';
import type { Arrival } from './network.ts';

export type Runtime = 'node' | 'python';

/** Who looks: the wrapper in the function's process, or the extension beside it. */
export type Watcher = 'wrapper' | 'extension';

/** A function that runs in a sandbox, and what is asked of it. */
export interface Scenario {
  /** One line. */
  readonly does: string;
  /** `handler.mjs`, `handler.py` in the manifest's folder. */
  readonly victims: readonly Runtime[];
  /** One invocation each. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** Variables of the function's configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folder in the manifest's folder that is seen as /opt: what layers brought. */
  readonly opt?: string;
  /** Processes of the function's uid that are started before the runtime, as the platform starts extensions. */
  readonly beside?: NonNullable<Place['beside']>;
  /** Further files for the function's folder, seen from the manifest's folder. */
  readonly files?: readonly string[];
  /** Handler of the configuration; `index.handler` otherwise. */
  readonly entry?: string;
  /**
   * Programs of this machine under the names that they have in /opt/bin: where the real one is not installed, one with
   * the same process shape stands for it.
   */
  readonly programs?: Readonly<Record<string, string>>;
  /** Share of one processor that the sandbox gets, as a small function does. */
  readonly cpuShare?: number;
  readonly memoryMb?: number;
  /** Timeout of the function; 10 s otherwise. */
  readonly timeoutMs?: number;
}

/** An item that the tarball must hold. */
export interface Evidence {
  /** Path in the tarball. */
  readonly path: RegExp;
  /** What its text has to hold. */
  readonly holds?: RegExp;
  /** It is this file of the machine, byte by byte. */
  readonly is?: string;
  /** For a link: its target. */
  readonly target?: RegExp;
}

/** An emulation of an attack. */
export interface Attack extends Scenario {
  /** ATT&CK, the version that design and research use (v18 names). */
  readonly techniques: readonly string[];
  /** Row of the research's table of attacks. */
  readonly source: string;
  /**
   * Victims in which a wrapper in the process has a chance. In the others only an extension sees it: the process is
   * gone.
   */
  readonly inProcess: readonly Runtime[];
  /**
   * Detectors, any of which has found it when it says so at the threshold: what names the attack, not what it also
   * does.
   */
  readonly detectors: readonly string[];
  /** What the capture must hold. */
  readonly evidence: readonly Evidence[];
  /** What must have arrived outside: proof that the emulation did what it is to emulate. */
  readonly arrives?: readonly { readonly at: Arrival['at']; readonly holds?: RegExp }[];
  /** Why this is out of reach: counted apart. */
  readonly limit?: string;
  /** Watchers that cannot see it at all, and why: they are not run, and counted apart. */
  readonly blind?: Readonly<Partial<Record<Watcher, string>>>;
  /** It looks like much that is harmless: the policy of the trial is `medium`, and it is counted apart. */
  readonly level?: 'medium';
  /** Invocations beyond those of `events`, where the default is too few for a check that comes in turns. */
  readonly further?: number;
  /** In the part of the suite that `npm test` runs: the wrapper in Node, or the extension beside Python. */
  readonly quick?: 'wrapper' | 'extension';
}

/** A workload that looks suspicious and is none. */
export interface Benign extends Scenario {
  /** Packages of test/adversary/benign/package.json that it needs. */
  readonly packages: readonly string[];
  /** Run by `npm run detection` alone, and not by `npm test`: another one is of nearly the same kind. */
  readonly nightly?: true;
}
