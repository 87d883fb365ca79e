/**
 * Files that an interpreter runs whenever it starts, without being asked to. They lie there before and after it has
 * run.
 */
import { reaches } from '../config/detect-policy.ts';
import type {
  BytePath,
  Detector,
  DetectPolicy,
  Finding,
  Observation,
  ObservedFile,
  Severity,
  Technique,
} from '../contracts/evidence.ts';
import { firstOf, isAllowed, isNewFile, makeFinding } from './finding.ts';
import { baseName } from './places.ts';
import { many } from '../many.ts';

const SHELL: Technique = { id: 'T1546.004', name: 'Unix Shell Configuration Modification' };
const MAX = 16;

export const startupHook: Detector = {
  name: 'startup-hook',
  description:
    'A writable tree holds a file that interpreters run by themselves when they start: sitecustomize, a .pth ' +
    'file with code, a profile of a shell.',
  technique: { id: 'T1546.018', name: 'Python Startup Hooks' },
  kind: 'hijack',
  severity: 'high',
  benign: [
    'packages with a hook of their own (tracers, setuptools) that are unpacked or installed into /tmp: together ' +
      'with other packages or in a virtual environment it is medium at most',
    'a home folder in /tmp',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] => {
    const hooks = now.files.flatMap((file) => {
      const hook = hookOf(file);
      return hook === undefined || isAllowed(policy, 'file', file.path) ? [] : [{ file, hook }];
    });
    if (hooks.length === 0) return [];
    const installed = installedIn(now.files);
    const judged = hooks.map(({ file, hook }) => ({
      file,
      hook,
      severity: severityOf(file, hook, baseline, installed),
    }));
    // Many that say little must not keep one out that says much.
    judged.sort(
      (one, other) => Number(reaches(other.severity, one.severity)) - Number(reaches(one.severity, other.severity)),
    );
    return firstOf(
      judged.slice(0, MAX).map(({ file, hook, severity }) =>
        makeFinding(startupHook, {
          title: `${hook.runBy} runs ${file.path} when it starts`,
          severity,
          ...(hook.what === 'profile' ? { technique: SHELL } : {}),
          subject: { path: file.path },
          evidence: [
            `${file.path}: ${many(file.size, 'byte')}, changed ${new Date(file.ctimeMs).toISOString()}`,
            ...compiledFrom(file, now.files),
          ],
        }),
      ),
      MAX,
      judged.length,
    );
  },
};

interface Hook {
  readonly what: 'module' | 'pth' | 'profile';
  readonly runBy: string;
  /** The folder that has to be on the path, or to be a folder of site packages. */
  readonly folder: BytePath;
}

/**
 * docs.python.org, site: these modules are imported, and lines of `.pth` files that begin with `import` are executed.
 */
const MODULE = /^(?:site|user)customize(?:\.pyc?|(?:\.[\w-]+)*\.so)$/u;
const PACKAGE = /^(?<folder>.*)\/(?:site|user)customize\/__init__\.pyc?$/su;
/** bash(1), dash(1), zsh(1): read from HOME, which many functions set to /tmp. */
const PROFILE = /^\.(?:bashrc|bash_profile|bash_login|profile|zshenv|zshrc)$/u;

function hookOf(file: ObservedFile): Hook | undefined {
  if (file.type !== 'file' && file.type !== 'link') return undefined;
  const { path } = file;
  const name = baseName(path);
  const folder = path.slice(0, path.length - name.length - 1);
  const inPackage = PACKAGE.exec(path)?.groups?.['folder'];
  if (inPackage !== undefined) return { what: 'module', runBy: 'Python', folder: inPackage };
  if (MODULE.test(name) && !folder.endsWith('/__pycache__')) return { what: 'module', runBy: 'Python', folder };
  // An archive on the path is as good as a folder.
  if (file.startsCode === true && file.magic === 'archive') return { what: 'module', runBy: 'Python', folder: path };
  if (file.startsCode === true && /\/(?:site|dist)-packages$/u.test(folder))
    return { what: 'pth', runBy: 'Python', folder };
  return PROFILE.test(name) ? { what: 'profile', runBy: 'a shell', folder } : undefined;
}

/**
 * A module in a package, or deeper than the folder of installed distributions, is out of Python's reach. That changes
 * when somebody puts its own folder on the path. A `.pth` file that came with others is what installing leaves. One
 * that came alone, later than they, is not. An intruder who copies this has a finding still.
 */
function severityOf(file: ObservedFile, { what, folder }: Hook, baseline: Observation, installed: Installed): Severity {
  const isNew = isNewFile(file, baseline);
  if (what === 'profile') return isNew ? 'medium' : 'low';
  const isInstalled =
    what === 'pth'
      ? (installed.newest.get(folder) ?? -Infinity) >= file.ctimeMs - TOGETHER_MS
      : installed.packages.has(folder) || [...installed.newest.keys()].some((root) => folder.startsWith(`${root}/`));
  return isInstalled ? (isNew ? 'medium' : 'low') : isNew ? 'high' : 'medium';
}

/** What an installer writes beside a `.pth` file it writes then or later. */
const TOGETHER_MS = 2000;

interface Installed {
  /** Folders that hold installed distributions, with the time of the newest one. */
  readonly newest: ReadonlyMap<BytePath, number>;
  /** Folders with an `__init__.py`: parts of a package, which is imported by its name. */
  readonly packages: ReadonlySet<BytePath>;
}

const above = (path: BytePath): BytePath => path.slice(0, path.lastIndexOf('/'));

/**
 * Folders that hold the metadata of an installed distribution (PyPA, Recording installed projects), or packages that
 * were unpacked without it. Also those of a virtual environment (docs.python.org, venv: the file pyvenv.cfg makes one),
 * where tools leave hooks before anything else.
 */
function installedIn(files: readonly ObservedFile[]): Installed {
  const newest = new Map<BytePath, number>();
  const note = (folder: BytePath, { ctimeMs }: ObservedFile): unknown =>
    newest.set(folder, Math.max(newest.get(folder) ?? -Infinity, ctimeMs));
  for (const file of files)
    if (file.type === 'directory' && /\.(?:dist|egg)-info$/u.test(file.path)) note(above(file.path), file);
  const inits = files.filter(({ type, path }) => type === 'file' && path.endsWith('/__init__.py'));
  for (const file of inits) {
    const folder = above(above(file.path));
    if (/\/(?:site|dist)-packages$/u.test(folder)) note(folder, file);
  }
  const environments = files.filter(({ type, path }) => type === 'file' && path.endsWith('/pyvenv.cfg'));
  for (const { path } of files) {
    const made = environments.find(
      (one) => path.endsWith('/site-packages') && path.startsWith(`${above(one.path)}/lib`),
    );
    if (made !== undefined) note(path, made);
  }
  return { newest, packages: new Set(inits.map(({ path }) => above(path))) };
}

/** Python has imported it: it has left the compiled module. */
function compiledFrom({ path }: ObservedFile, files: readonly ObservedFile[]): string[] {
  const name = baseName(path);
  if (!name.endsWith('.py')) return [];
  const start = `${path.slice(0, -name.length)}__pycache__/${name.slice(0, -2)}`;
  return files
    .filter((one) => one.path.startsWith(start))
    .slice(0, 1)
    .map((one) => `${one.path}: an interpreter has loaded it, ${new Date(one.ctimeMs).toISOString()}`);
}
