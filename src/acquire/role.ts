import type { IAM } from '@aws-sdk/client-iam';
import type { Entry } from '../contracts/evidence.ts';
import { ask, everyItem } from './ask.ts';
import type { AcquireContext, Source, Target } from './contracts.ts';
import { absentEntry, withoutFunction } from './error-class.ts';
import { arnName, component } from './paths.ts';

/** What the function may do: the execution role with its trust, inline and attached policies, and its boundary. */
export const role: Source = {
  name: 'role',
  description:
    'Execution role of every version: trust, inline and attached policies in their versions, permission ' +
    'boundary, last use.',
  lane: 'control-plane',
  actions: [
    'iam:GetRole',
    'iam:ListRolePolicies',
    'iam:GetRolePolicy',
    'iam:ListAttachedRolePolicies',
    'iam:GetPolicy',
    'iam:ListPolicyVersions',
    'iam:GetPolicyVersion',
  ],
  acquire,
};

async function* acquire(target: Target, context: AcquireContext): AsyncGenerator<Entry> {
  const iam = await context.aws.iam();
  const documents = new Set<string>();
  if (target.isAbsent) yield withoutFunction('control_plane/roles', 'execution role');
  for (const arn of target.roles) {
    const RoleName = arnName(arn);
    const folder = `control_plane/roles/${component(RoleName)}`;
    yield* ask(context, { path: `${folder}/role.json`, call: `iam:GetRole ${RoleName}` }, async () => {
      const { Role } = await iam.getRole({ RoleName });
      if (Role?.PermissionsBoundary?.PermissionsBoundaryArn !== undefined)
        documents.add(Role.PermissionsBoundary.PermissionsBoundaryArn);
      return { ...Role, AssumeRolePolicyDocument: decoded(Role?.AssumeRolePolicyDocument) };
    });
    yield* inlinePolicies(iam, RoleName, folder, context);
    yield* ask(
      context,
      { path: `${folder}/attached_policies.json`, call: `iam:ListAttachedRolePolicies ${RoleName}` },
      async () => {
        const attached = await everyItem(
          (Marker) => iam.listAttachedRolePolicies({ RoleName, Marker }),
          (page) => page.Marker,
          (page) => page.AttachedPolicies,
        );
        for (const { PolicyArn } of attached) if (PolicyArn !== undefined) documents.add(PolicyArn);
        return attached;
      },
    );
  }
  for (const arn of documents) yield* managedPolicy(iam, arn, context);
}

async function* inlinePolicies(
  iam: IAM,
  RoleName: string,
  folder: string,
  context: AcquireContext,
): AsyncGenerator<Entry> {
  let names: string[];
  try {
    names = await everyItem(
      (Marker) => iam.listRolePolicies({ RoleName, Marker }),
      (page) => page.Marker,
      (page) => page.PolicyNames,
    );
  } catch (error) {
    yield absentEntry({ path: `${folder}/inline`, call: `iam:ListRolePolicies ${RoleName}` }, error);
    return;
  }
  for (const PolicyName of names) {
    const asked = {
      path: `${folder}/inline/${component(PolicyName)}.json`,
      call: `iam:GetRolePolicy ${RoleName} ${PolicyName}`,
    };
    yield* ask(context, asked, async () => {
      const answer = await iam.getRolePolicy({ RoleName, PolicyName });
      return { ...answer, PolicyDocument: decoded(answer.PolicyDocument) };
    });
  }
}

/** With the list of its versions: an older one may be what was in force at the time. */
async function* managedPolicy(iam: IAM, PolicyArn: string, context: AcquireContext): AsyncGenerator<Entry> {
  const [, , , , owner = ''] = PolicyArn.split(':');
  const asked = {
    path: `control_plane/roles/policies/${component(`${owner === '' ? 'unknown' : owner}-${arnName(PolicyArn)}`)}.json`,
    call: `iam:GetPolicy ${PolicyArn}`,
  };
  yield* ask(context, asked, async () => {
    const { Policy } = await iam.getPolicy({ PolicyArn });
    const Versions = await everyItem(
      (Marker) => iam.listPolicyVersions({ PolicyArn, Marker }),
      (page) => page.Marker,
      (page) => page.Versions,
    );
    const VersionId = Policy?.DefaultVersionId;
    const inForce =
      VersionId === undefined ? undefined : (await iam.getPolicyVersion({ PolicyArn, VersionId })).PolicyVersion;
    return { Policy, Versions, Document: decoded(inForce?.Document) };
  });
}

/** IAM gives policy documents percent-encoded (RFC 3986). */
function decoded(document: string | undefined): unknown {
  if (document === undefined) return null;
  try {
    return JSON.parse(decodeURIComponent(document)) as unknown;
  } catch {
    return document;
  }
}
