/** Orders of responders: can they reach a warm sandbox, and can nobody else give them. */
import {
  failed,
  notChecked,
  ok,
  warning,
  type Diagnosis,
  type DoctorCheck,
  type InspectedFunction,
} from './contracts.ts';

const SIMULATE = 'iam:SimulatePrincipalPolicy';

interface Channel {
  readonly resource: string;
  readonly read: string;
  readonly write: string;
}

function channelOf({ config, configuration, target }: InspectedFunction): Channel | undefined {
  const partition = configuration.Role?.split(':')[1] ?? 'aws';
  const object = /^s3:\/\/(.+)$/u.exec(config.control ?? '')?.[1];
  if (object !== undefined)
    return { resource: `arn:${partition}:s3:::${object}`, read: 's3:GetObject', write: 's3:PutObject' };
  const name = /^ssm:\/?(.+)$/u.exec(config.control ?? '')?.[1];
  if (name === undefined) return undefined;
  return {
    resource: `arn:${partition}:ssm:${target.region}:${target.account}:parameter/${name}`,
    read: 'ssm:GetParameter',
    write: 'ssm:PutParameter',
  };
}

export const roleOrders: DoctorCheck = {
  name: 'role-orders',
  what: 'orders reach warm sandboxes',
  actions: [SIMULATE],
  check: async (inspected): Promise<Diagnosis> => {
    const { config, configuration, aws } = inspected;
    if (config.control === undefined)
      return notChecked('AMBER_CONTROL is not set: no order reaches a sandbox that is warm');
    const channel = channelOf(inspected);
    if (channel === undefined) return notChecked(`${config.control} is not simulated`);
    const { resource, read, write } = channel;
    const { EvaluationResults = [] } = await (await aws.iam()).simulatePrincipalPolicy({
      PolicySourceArn: configuration.Role,
      ActionNames: [read, write],
      ResourceArns: [resource],
    });
    const may = EvaluationResults.filter(({ EvalDecision }) => EvalDecision === 'allowed').map(
      ({ EvalActionName }) => EvalActionName,
    );
    if (!may.includes(read))
      return failed(
        `the role may not ${read} on ${resource}`,
        `Give the role {"Effect":"Allow","Action":"${read}","Resource":"${resource}"} ` +
          '(examples/bucket/function-policy.json).',
      );
    if (may.includes(write))
      return warning(
        `the role may ${write} on ${resource}: an intruder can take orders away`,
        'Take it from the role: only responders write orders (examples/bucket/responder-policy.json).',
      );
    return ok(`${read} on ${resource}, and no writing`);
  },
};
