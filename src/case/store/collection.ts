/**
 * What a responder reads of a collection first: versions and their code, who may invoke, layers, role, ways out of the
 * log.
 */
import { field, text } from '../view/process-tree.ts';

/** Documents of the control plane that the overview is made of. */
const DOCUMENT =
  /^(?:control_plane\/(?:function\/[^/]+\/(?:configuration|code)|aliases|urls|event_sources|concurrency|policies\/[^/]+|layers\/[^/]+\/(?:metadata|layer)|roles\/[^/]+\/(?:attached_policies|inline\/[^/]+))|logs\/.+\/subscription_filters)\.json$/u;

export function isControlPlane(path: string): boolean {
  return DOCUMENT.test(path);
}

export interface Section {
  readonly title: string;
  /** Cells; not rendered safely yet. */
  readonly rows: readonly (readonly string[])[];
}

type Documents = ReadonlyMap<string, unknown>;

/** The sections that have something to say. */
export function collectionSections(documents: Documents): readonly Section[] {
  const account = text(field(field(documents.get('capture.json'), 'identity'), 'account'));
  return [
    { title: 'Versions', rows: versionRows(documents) },
    {
      title: 'Who may invoke, and what feeds it',
      rows: [...policyRows(documents, account), ...urlRows(documents), ...sourceRows(documents)],
    },
    { title: 'Layers', rows: layerRows(documents, account) },
    { title: 'Policies of the role', rows: roleRows(documents) },
    { title: 'Who else gets the log', rows: filterRows(documents) },
  ].filter(({ rows }) => rows.length > 0);
}

function below(documents: Documents, pattern: RegExp): [string, unknown][] {
  return [...documents].flatMap(([path, value]): [string, unknown][] => {
    const name = pattern.exec(path)?.[1];
    return name === undefined ? [] : [[name, value]];
  });
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function versionRows(documents: Documents): (readonly string[])[] {
  const rows: (readonly string[])[] = [];
  const firstWith = new Map<string, string>();
  const found = below(documents, /^control_plane\/function\/([^/]+)\/configuration\.json$/u).sort(([one], [other]) =>
    one === '$LATEST' ? 1 : other === '$LATEST' ? -1 : Number(one) - Number(other),
  );
  for (const [version, document] of found) {
    const configuration = field(document, 'Configuration');
    const digest = text(field(configuration, 'CodeSha256'));
    const same = firstWith.get(digest);
    if (same === undefined) firstWith.set(digest, version);
    const code = stateOf(documents.get(`control_plane/function/${version}/code.json`));
    rows.push([
      version,
      digest,
      same === undefined ? 'new code' : `code of ${same}`,
      code,
      text(field(configuration, 'LastModified')).slice(0, 19),
      text(field(configuration, 'Handler')),
      aliasesOf(documents, version),
    ]);
  }
  return rows.length === 0 ? [] : [['VERSION', 'CODE SHA-256', '', 'CODE', 'CHANGED', 'HANDLER', 'ALIASES'], ...rows];
}

function aliasesOf(documents: Documents, version: string): string {
  return list(documents.get('control_plane/aliases.json'))
    .flatMap((alias) => {
      const weight = field(field(field(alias, 'RoutingConfig'), 'AdditionalVersionWeights'), version);
      const name = text(field(alias, 'Name'));
      if (typeof weight === 'number') return [`${name} ${Math.round(weight * 100)} %`];
      return text(field(alias, 'FunctionVersion')) === version ? [name] : [];
    })
    .join(', ');
}

function policyRows(documents: Documents, account: string): (readonly string[])[] {
  const seen = new Set<string>();
  return below(documents, /^control_plane\/policies\/([^/]+)\.json$/u).flatMap(([qualifier, document]) =>
    list(field(field(document, 'Policy'), 'Statement')).flatMap((statement): (readonly string[])[] => {
      const told = JSON.stringify(statement);
      if (seen.has(told)) return []; // the policy of a qualifier may repeat that of the function
      seen.add(told);
      const principal = JSON.stringify(field(statement, 'Principal') ?? null);
      const open = principal.includes('"*"')
        ? 'ANYBODY'
        : (/\b\d{12}\b/u.exec(principal)?.[0] ?? account) === account
          ? ''
          : 'ANOTHER ACCOUNT';
      return [
        [
          qualifier,
          text(field(statement, 'Effect')),
          JSON.stringify(field(statement, 'Action') ?? null),
          principal,
          open,
        ],
      ];
    }),
  );
}

function urlRows(documents: Documents): (readonly string[])[] {
  return list(documents.get('control_plane/urls.json')).map((url) => [
    'URL',
    text(field(url, 'AuthType')),
    text(field(url, 'FunctionUrl')),
    '',
    field(url, 'AuthType') === 'NONE' ? 'ANYBODY' : '',
  ]);
}

function sourceRows(documents: Documents): (readonly string[])[] {
  return list(documents.get('control_plane/event_sources.json')).map((one) => [
    'source',
    text(field(one, 'State')),
    text(field(one, 'EventSourceArn')),
    '',
    '',
  ]);
}

/** Also those that could not be read: the configurations name them. */
function layerRows(documents: Documents, account: string): (readonly string[])[] {
  const users = new Map<string, string[]>();
  for (const [version, document] of below(documents, /^control_plane\/function\/([^/]+)\/configuration\.json$/u)) {
    for (const layer of list(field(field(document, 'Configuration'), 'Layers'))) {
      const arn = text(field(layer, 'Arn'));
      users.set(arn, [...(users.get(arn) ?? []), version]);
    }
  }
  return [...users].map(([arn, versions]) => {
    const [, , , , owner = '', , layer = '', version = ''] = arn.split(':');
    const folder = `control_plane/layers/${owner}-${layer}-${version}`;
    const digest = text(field(field(documents.get(`${folder}/metadata.json`), 'Content'), 'CodeSha256'));
    return [
      `${owner} ${layer}:${version}`,
      digest,
      stateOf(documents.get(`${folder}/layer.json`)),
      owner === account ? '' : 'ANOTHER ACCOUNT',
      `versions ${versions.join(', ')}`,
    ];
  });
}

function stateOf(facts: unknown): string {
  const matches = field(facts, 'matches');
  return matches === true ? 'verified' : matches === false ? 'OTHER BYTES' : 'not there';
}

function roleRows(documents: Documents): (readonly string[])[] {
  const inline = below(documents, /^control_plane\/roles\/([^/]+\/inline\/[^/]+)\.json$/u).map(([name]) => [name]);
  const attached = below(documents, /^control_plane\/roles\/([^/]+)\/attached_policies\.json$/u).flatMap(
    ([role, policies]) => list(policies).map((one) => [`${role}/${text(field(one, 'PolicyArn'))}`]),
  );
  return [...inline, ...attached];
}

function filterRows(documents: Documents): (readonly string[])[] {
  return below(documents, /^logs\/(.+)\/subscription_filters\.json$/u).flatMap(([group, filters]) =>
    list(filters).map((one) => [group, text(field(one, 'filterName')), text(field(one, 'destinationArn'))]),
  );
}
