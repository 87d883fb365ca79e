/** Variables that make programs load code or send requests elsewhere: changed since init, or different in a child. */
import type {
  Detector,
  DetectPolicy,
  Finding,
  Observation,
  ObservedProcess,
  Severity,
  Technique,
} from '../contracts/evidence.ts';
import { defined } from '../defined.ts';
import { placeOf } from './addresses.ts';
import { before, firstOf, isAllowed, makeFinding, named, newcomers, once, subjectOf } from './finding.ts';
import { isWritablePlace } from './places.ts';
import { isWrapper } from './programs.ts';
import { eventEvidence, eventsOf } from './recorded.ts';
import { loadsCode, useOf, type VariableUse } from './variables.ts';

const MAX_STARTS = 16;
const TECHNIQUES: Readonly<Record<VariableUse, Technique>> = {
  code: { id: 'T1574.006', name: 'Dynamic Linker Hijacking' },
  path: { id: 'T1574.007', name: 'Path Interception by PATH Environment Variable' },
  route: { id: 'T1557', name: 'Adversary-in-the-Middle' },
  identity: { id: 'T1574', name: 'Hijack Execution Flow' },
};

export const environmentDrift: Detector = {
  name: 'environment-drift',
  description:
    'Loader variables, NODE_OPTIONS, the exec wrapper, endpoints or proxies lead into a writable tree or differ ' +
    'from init.',
  technique: TECHNIQUES.code,
  kind: 'hijack',
  severity: 'high',
  benign: [
    'exec wrappers, NODE_OPTIONS and layers of monitoring, which are there from the start',
    'LD_LIBRARY_PATH that an unpacked browser needs',
    'a storage service that is not of AWS and whose endpoint code sets after init: allow:variable=…',
  ],
  runs: ['extension', 'process'],
  detect: (now: Observation, baseline: Observation, policy: DetectPolicy): readonly Finding[] => {
    const findings = [
      ...ofStart(now),
      ...ofExec(now, baseline),
      ...ofCode(now, baseline),
      ...ofChildren(now, baseline),
      ...ofStarts(now),
    ];
    return findings.filter(({ subject }) => !isAllowed(policy, 'variable', subject.name ?? ''));
  },
};

/** What the runtime and the extensions were started with. */
function ofStart(now: Observation): Finding[] {
  return now.processes
    .filter(({ role }) => role === 'runtime' || role === 'extension')
    .flatMap((one) =>
      entries(one.env).flatMap(([name, value]): Finding[] => {
        if (useOf(name) !== 'code') return [];
        const staged = loadsCode(name, value, now.writable);
        if (!staged && !/^(?:LD_|NODE_OPTIONS|AWS_LAMBDA_EXEC_WRAPPER)/u.test(name)) return [];
        return [
          drift(one, {
            name,
            value,
            severity: staged ? 'high' : 'low',
            what: staged ? 'was started with code from a writable tree' : 'was started with',
          }),
        ];
      }),
    );
}

/** The environment of exec stands for the life of a program: another one than at init came with another exec. */
function ofExec(now: Observation, baseline: Observation): Finding[] {
  return now.processes.flatMap((one) => {
    const then = before(baseline, one);
    if (one.role === 'other' || then?.env === undefined) return [];
    return entries(one.env).flatMap(([name, value]): Finding[] => {
      const use = useOf(name);
      if (
        then.env?.[name] === value ||
        use === undefined ||
        name === 'AWS_ACCESS_KEY_ID' ||
        name === 'AWS_LAMBDA_RUNTIME_API'
      )
        return [];
      return [
        drift(one, {
          name,
          value,
          severity: isLoaded(name, value, now) ? 'high' : use === 'path' || isWrapper(then) ? 'low' : 'medium',
          what: 'was executed once more with another',
          part: 'exec',
        }),
      ];
    });
  });
}

/** What code of the function has changed in its own environment since init. */
function ofCode(now: Observation, baseline: Observation): Finding[] {
  const own = now.processes.find(({ pid }) => pid === now.self);
  const then = baseline.own?.env ?? {};
  if (own === undefined || now.own === undefined || baseline.own === undefined) return [];
  return entries(now.own.env).flatMap(([name, value]): Finding[] => {
    const use = useOf(name);
    if (then[name] === value || use === undefined || name === 'AWS_ACCESS_KEY_ID' || name === 'AWS_LAMBDA_RUNTIME_API')
      return [];
    const weak = use === 'path' || name === 'NODE_TLS_REJECT_UNAUTHORIZED';
    const severity = isLoaded(name, value, now) || isTurned(name, value) ? 'high' : weak ? 'low' : 'medium';
    return [drift(own, { name, value, severity, what: 'has changed in its own environment', part: 'own' })];
  });
}

/** What a child got that its parents do not have. */
function ofChildren(now: Observation, baseline: Observation): Finding[] {
  const runtime = now.processes.find(({ role }) => role === 'runtime');
  return newcomers(now, baseline).flatMap((one) =>
    entries(one.env).flatMap(([name, value]): Finding[] => {
      const use = useOf(name);
      if (
        use === undefined ||
        use === 'identity' ||
        name === 'AWS_LAMBDA_RUNTIME_API' ||
        runtime?.env?.[name] === value ||
        now.own?.env[name] === value
      )
        return [];
      if (use === 'path' && !leadsIntoTree(value, now)) return [];
      return [
        drift(one, { name, value, severity: isLoaded(name, value, now) ? 'high' : 'low', what: 'was started with' }),
      ];
    }),
  );
}

/** What children were given that have ended since: the black box notes what the function was not started with. */
function ofStarts(now: Observation): readonly Finding[] {
  const found = eventsOf(now, ['spawn']).flatMap((event) =>
    givenIn(event.detail?.['env']).map(([name, value]): Finding => {
      const severity = isLoaded(name, value, now) ? 'high' : isShadow(name, value, now) ? 'medium' : 'low';
      return makeFinding(environmentDrift, {
        title: `${event.subject} was started with another ${name}`,
        severity,
        technique: TECHNIQUES[useOf(name) ?? 'code'],
        subject: { name },
        part: `start ${severity} ${event.subject}`,
        evidence: [`event ${event.sequence}: ${name}=${value}`, ...eventEvidence(event)],
      });
    }),
  );
  return firstOf(once(found), MAX_STARTS);
}

/** `NAME=value NAME=value`: values have blanks, names of these variables are capitals. */
function givenIn(text: string | number | undefined): [string, string][] {
  if (typeof text !== 'string') return [];
  return text.split(/ (?=[A-Z_]+=)/u).flatMap((pair): [string, string][] => {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals));
    return useOf(name) === undefined ? [] : [[name, pair.slice(equals + 1)]];
  });
}

/** Modules are looked for in a writable tree before any other. */
function isShadow(name: string, value: string, now: Observation): boolean {
  return (name === 'NODE_PATH' || name === 'PYTHONPATH') && leadsIntoTree(value, now);
}

interface Drift {
  readonly name: string;
  readonly value: string;
  readonly severity: Severity;
  readonly what: string;
  readonly part?: string;
}

function drift(one: ObservedProcess, { name, value, severity, what, part }: Drift): Finding {
  const source = part === 'own' ? 'process.env' : `/proc/${String(one.pid)}/environ`;
  return makeFinding(environmentDrift, {
    title: `${named(one)} ${what}: ${name}`,
    severity,
    technique: TECHNIQUES[useOf(name) ?? 'code'],
    subject: { ...subjectOf(one), name },
    ...defined({ part }),
    evidence: [`${source}: ${name}=${value}`],
  });
}

/** Where requests to AWS go, with their signatures, and who gives credentials. */
const ENDPOINT = /^AWS_(?:ENDPOINT_URL|CONTAINER_CREDENTIALS_FULL_URI$|EC2_METADATA_SERVICE_ENDPOINT$)/u;

/** Somebody else gets what is meant for AWS. Emulators and endpoints in a VPC have private addresses. */
function isTurned(name: string, value: string): boolean {
  if (!ENDPOINT.test(name)) return false;
  const host = URL.parse(value)?.hostname.replace(/^\[|\]$/gu, '') ?? '';
  if (/^[\d.]+$|:/u.test(host)) return placeOf(host) === 'public';
  return host.includes('.') && !/(?:^|\.)(?:amazonaws\.com(?:\.cn)?|api\.aws|local|internal|localhost)$/u.test(host);
}

/**
 * What a Python runs when it finds it on its path: by itself (docs.python.org, site), and modules of its library that
 * nearly every program imports. No package brings one of the same name.
 */
const SITE_FILES = ['sitecustomize.py', 'usercustomize.py'] as const;
const OF_LIBRARY =
  'argparse base64 codecs collections copy datetime functools hashlib hmac http io json logging os random re shutil ' +
  'socket ssl struct subprocess tempfile threading time traceback urllib uuid zipfile';
const SHADOWS: readonly string[] = [
  ...SITE_FILES,
  ...OF_LIBRARY.split(' ').flatMap((name) => [`${name}.py`, `${name}/__init__.py`]),
];

/** The variable makes programs run what lies in a writable tree, without being asked to. */
function isLoaded(name: string, value: string, now: Observation): boolean {
  if (useOf(name) === 'code') return loadsCode(name, value, now.writable);
  if (name !== 'PYTHONPATH') return false;
  const files = new Set(now.files.map(({ path }) => path));
  return value
    .split(':')
    .some(
      (folder) =>
        isWritablePlace(`${folder}/`, now.writable) &&
        SHADOWS.some((file) => files.has(`${folder.replace(/\/+$/u, '')}/${file}`)),
    );
}

/** One of the paths in a value lies in a writable tree. */
function leadsIntoTree(value: string, { writable }: Observation): boolean {
  return value.split(/[\s:=;,"']+/u).some((part) => isWritablePlace(part, writable));
}

function entries(env: Readonly<Record<string, string>> | undefined): [string, string][] {
  return Object.entries(env ?? {});
}
