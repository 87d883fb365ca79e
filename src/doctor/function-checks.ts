/** What the configuration of the function says by itself. */
import { failed, notChecked, ok, warning, type DoctorCheck } from './contracts.ts';
import { many } from '../many.ts';

export const active: DoctorCheck = {
  name: 'active',
  what: 'the function runs',
  actions: [],
  check: ({ configuration: { State, LastUpdateStatus, LastUpdateStatusReason } }) => {
    if (State !== undefined && State !== 'Active')
      return failed(
        `its state is ${State}`,
        'Bring it back to Active: an inactive or failed function has no sandboxes to capture.',
      );
    if (LastUpdateStatus === 'Failed')
      return failed(
        `its last update failed: ${LastUpdateStatusReason ?? 'no reason given'}`,
        'Repair the update; the sandboxes run what was there before it.',
      );
    return LastUpdateStatus === 'InProgress'
      ? warning('an update is in progress', 'Ask again when it has ended.')
      : ok('active, last update successful');
  },
};

export const runtime: DoctorCheck = {
  name: 'runtime',
  what: 'the runtime',
  actions: [],
  check: ({ configuration: { PackageType, Runtime = 'unknown' } }) => {
    if (PackageType === 'Image')
      return notChecked(
        'a container image: the library needs Node 22.15 or later in it, the extension belongs into ' +
          '/opt/extensions of the image',
      );
    const major = Number(/^nodejs(\d+)\./u.exec(Runtime)?.[1] ?? Number.NaN);
    if (Number.isNaN(major))
      return warning(
        `${Runtime} is no Node runtime`,
        'The wrapper cannot run there; use the layer with its extension.',
      );
    return major >= 22
      ? ok(Runtime)
      : failed(`${Runtime} is too old`, 'Move to nodejs22.x or nodejs24.x: Amber needs Node 22.15.');
  },
};

export const settings: DoctorCheck = {
  name: 'settings',
  what: "Amber's variables",
  actions: [],
  check: ({ configProblem, configWarnings, config, environment }) => {
    if (configProblem !== undefined)
      return failed(configProblem, 'Correct the variables: as they are, the handler runs and nothing is armed.');
    if (config.disabled) return failed('AMBER_DISABLED is set', 'Take it away: nothing is armed.');
    if (config.destination === undefined)
      return failed('AMBER_DESTINATION is not set', 'Set it, for example to s3://evidence-bucket/amber.');
    if (configWarnings.length > 0)
      return warning(
        configWarnings.join('; '),
        'Amber is armed without them. Correct them, or attach the version of Amber that knows them.',
      );
    const set = Object.keys(environment)
      .filter((name) => name.startsWith('AMBER_'))
      .sort();
    return ok(`${set.join(', ')}: usable`);
  },
};

export const recipient: DoctorCheck = {
  name: 'recipient',
  what: 'captures are encrypted to the responder',
  actions: [],
  check: ({ config }) =>
    config.recipient === undefined
      ? warning(
          'AMBER_RECIPIENT is not set',
          'Make a key with `age-keygen`, keep it away from AWS, and set AMBER_RECIPIENT to its public part: ' +
            'without, structured evidence is redacted, contents lie in clear in the bucket, and process memory is ' +
            'refused.',
        )
      : ok(config.recipient),
};

/** Milliseconds for the volatile part and its segment, with what a cold start of the S3 client takes. */
const USEFUL_MS = 2000;

export const timeout: DoctorCheck = {
  name: 'timeout',
  what: 'there is time for a capture',
  actions: [],
  check: ({ configuration: { Timeout = 3 }, config }) => {
    const room = Timeout * 1000 - config.marginMs;
    if (config.deadlineMs >= Timeout * 1000)
      return failed(
        `AMBER_DEADLINE_MS is ${config.deadlineMs}, the whole timeout ${Timeout} s`,
        'Set AMBER_DEADLINE_MS below the timeout, or raise the timeout.',
      );
    if (room < USEFUL_MS)
      return failed(
        `of a timeout of ${Timeout} s, ${room} ms are left for a capture`,
        'Raise the timeout to 10 s or more: a capture ends AMBER_MARGIN_MS before the deadline.',
      );
    if (room < config.maxMs)
      return warning(
        `a capture may take ${config.maxMs} ms, a timeout of ${Timeout} s leaves ${room} ms`,
        'Raise the timeout, or set AMBER_MAX_MS to what there is; what was not reached stands in the manifest.',
      );
    return ok(`timeout ${Timeout} s, longest capture ${config.maxMs} ms`);
  },
};

export const memory: DoctorCheck = {
  name: 'memory',
  what: 'there is memory and CPU for a capture',
  actions: [],
  check: ({ configuration: { MemorySize = 128 } }) =>
    MemorySize < 256
      ? warning(
          `${MemorySize} MB, and so ${Math.round((MemorySize / 1769) * 100)} % of a core`,
          'Raise the memory to 512 MB or more: below, a capture takes seconds, and a shutdown leaves two.',
        )
      : ok(`${MemorySize} MB`),
};

export const network: DoctorCheck = {
  name: 'network',
  what: 'the sandbox reaches the bucket',
  actions: [],
  check: ({ configuration: { VpcConfig }, bucket }) => {
    const subnets = VpcConfig?.SubnetIds?.length ?? 0;
    if (subnets === 0) return ok('no VPC: the public endpoint of S3');
    return warning(
      `it runs in ${VpcConfig?.VpcId ?? 'a VPC'}, ${many(subnets, 'subnet')}; from here it cannot be told how ` +
        `those reach S3`,
      'Every route table of the subnets needs a gateway endpoint for ' +
        `S3${bucket === undefined ? '' : ` in ${bucket.region}`} (or a NAT), and its policy has to allow ` +
        's3:PutObject on the bucket.',
    );
  },
};
