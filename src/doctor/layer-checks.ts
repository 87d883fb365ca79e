/**
 * Whether the layer is in the function, and whether it is loaded: the three ways of layer/, and what keeps each from
 * working.
 */
import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import {
  failed,
  notChecked,
  ok,
  warning,
  type Diagnosis,
  type DoctorCheck,
  type InspectedFunction,
} from './contracts.ts';

/** Layer names that are ours. */
const OUR_LAYER = /:layer:[^:]*amber[^:]*:\d+$/iu;

const HANDLER = '/opt/nodejs/node_modules/lambda-amber/handler.handler';
const PYTHON_HANDLER = 'lambda_amber.handler';
const PRELOAD = '/opt/nodejs/node_modules/lambda-amber/preload.cjs';
const WRAPPER = '/opt/amber-exec';

function layerOf({ configuration }: InspectedFunction): string | undefined {
  return configuration.Layers?.map((layer) => layer.Arn ?? '').find((arn) => OUR_LAYER.test(arn));
}

export const attached: DoctorCheck = {
  name: 'attached',
  what: 'Amber is in the function',
  actions: [],
  check: (inspected) => {
    const layer = layerOf(inspected);
    if (layer !== undefined) return ok(`layer ${layer}`);
    if (inspected.environment['AMBER_DESTINATION'] !== undefined)
      return warning(
        'no layer of Amber; AMBER_DESTINATION is set, so the code may wrap its handler',
        'Nothing to do if the code calls withCapture(); else attach the layer.',
      );
    return failed(
      'neither a layer of Amber nor AMBER_DESTINATION',
      'Wrap the handler with withCapture() or attach the layer, and set AMBER_DESTINATION. Do it in the next ' +
        'deployment, not during an incident: an update replaces the sandboxes that hold the evidence.',
    );
  },
};

export const handler: DoctorCheck = {
  name: 'handler',
  what: 'the layer is loaded',
  actions: [],
  check: (inspected) => {
    const { configuration, environment } = inspected;
    if (layerOf(inspected) === undefined) return notChecked('there is no layer of Amber');
    if (configuration.Runtime?.startsWith('python') === true) return pythonWayOf(configuration, environment);
    if (configuration.Runtime?.startsWith('nodejs') !== true)
      return notChecked('neither Node nor Python: nothing is loaded into it, the extension captures from beside');
    return wayOf(configuration, environment);
  },
};

/** The Lambda Web Adapter starts the handler as a program: its wrapper, in place of the runtime. */
const ADAPTER = '/opt/bootstrap';

/** A handler that is a program and no module: nothing stands in front of it. */
function programOf(
  Handler: string,
  { AWS_LAMBDA_EXEC_WRAPPER, AMBER_NEXT_EXEC_WRAPPER }: Readonly<Record<string, string>>,
): Diagnosis | undefined {
  const isAdapted = [AWS_LAMBDA_EXEC_WRAPPER, AMBER_NEXT_EXEC_WRAPPER].includes(ADAPTER);
  if (!isAdapted && !/(?:^|\/)[^/.]*$|\.(?:sh|bash)$/u.test(Handler)) return undefined;
  if (Handler === HANDLER)
    return failed(
      `the handler is ${HANDLER}, and ${ADAPTER} starts the handler as a program`,
      'Set the handler to the program of the function, for example run.sh: the extension captures it from beside.',
    );
  return ok(`the handler ${Handler} is a program: nothing is loaded into it, the extension captures from beside`);
}

/** How the recorder gets in front of the handler of a Python function. */
export function pythonWayOf(
  { Handler = '' }: FunctionConfiguration,
  environment: Readonly<Record<string, string>>,
): Diagnosis {
  const { AMBER_HANDLER = '', AWS_LAMBDA_EXEC_WRAPPER } = environment;
  const program = programOf(Handler, environment);
  if (program !== undefined) return program;
  if (Handler === PYTHON_HANDLER && (AMBER_HANDLER === '' || AMBER_HANDLER === PYTHON_HANDLER))
    return failed(
      `the handler is the layer's, and AMBER_HANDLER is ${AMBER_HANDLER === '' ? 'not set' : AMBER_HANDLER}`,
      'Set AMBER_HANDLER to the handler of the function, for example function.handler: so, the function cannot start.',
    );
  if (Handler === PYTHON_HANDLER) return ok(`the handler of the layer hands on to ${AMBER_HANDLER}`);
  if (AWS_LAMBDA_EXEC_WRAPPER === WRAPPER)
    return ok(`AWS_LAMBDA_EXEC_WRAPPER puts the recorder in front of ${Handler}`);
  return warning(
    'the extension captures from beside, and nothing records what the function does',
    `Set the handler to ${PYTHON_HANDLER} and AMBER_HANDLER to ${Handler}.`,
  );
}

/** How the layer gets in front of the handler of a Node function. */
export function wayOf(
  { Handler = '', DurableConfig }: FunctionConfiguration,
  environment: Readonly<Record<string, string>>,
): Diagnosis {
  const { AMBER_HANDLER, AWS_LAMBDA_EXEC_WRAPPER, NODE_OPTIONS = '' } = environment;
  const program = programOf(Handler, environment);
  if (program !== undefined) return program;
  if (Handler === HANDLER) return redirected(AMBER_HANDLER);
  if (AWS_LAMBDA_EXEC_WRAPPER === WRAPPER) return ok(`AWS_LAMBDA_EXEC_WRAPPER puts it in front of ${Handler}`);
  if (NODE_OPTIONS.includes('lambda-amber/preload.cjs')) {
    if (DurableConfig !== undefined)
      return failed(
        'it is a durable function, whose runtime ignores NODE_OPTIONS',
        `Set the handler to ${HANDLER} and AMBER_HANDLER to ${Handler}.`,
      );
    return ok(`NODE_OPTIONS puts it in front of ${Handler}`);
  }
  if (chained(environment)) return ok(`another loader hands on to ${HANDLER}`);
  if (AMBER_HANDLER !== undefined)
    return failed(
      `AMBER_HANDLER is ${AMBER_HANDLER}, but nothing reads it: the handler is ${Handler}`,
      `Set the handler to ${HANDLER}.`,
    );
  if (AWS_LAMBDA_EXEC_WRAPPER !== undefined) {
    return warning(
      `AWS_LAMBDA_EXEC_WRAPPER is ${AWS_LAMBDA_EXEC_WRAPPER}, and nothing loads the layer into the runtime`,
      `Set the handler to ${HANDLER} and AMBER_HANDLER to ${Handler}; or AWS_LAMBDA_EXEC_WRAPPER to ${WRAPPER} ` +
        `and AMBER_NEXT_EXEC_WRAPPER to ${AWS_LAMBDA_EXEC_WRAPPER}.`,
    );
  }
  return warning(
    'nothing loads the layer into the runtime',
    `Set the handler to ${HANDLER} and AMBER_HANDLER to ${Handler} (or NODE_OPTIONS to --require ${PRELOAD}); ` +
      'without, what only the process knows (modules, handles, heap) is missing.',
  );
}

function redirected(to: string | undefined): Diagnosis {
  if (to === undefined || to === '')
    return failed(
      "the handler is the layer's, and AMBER_HANDLER is not set",
      'Set AMBER_HANDLER to the handler of the function, for example index.handler: without, the function ' +
        'cannot start.',
    );
  if (to.endsWith('lambda-amber/handler.handler'))
    return failed(
      `AMBER_HANDLER and the handler are both ${to}`,
      'Set AMBER_HANDLER to the handler of the function, for example index.handler: so, the function cannot start.',
    );
  return ok(`the handler of the layer hands on to ${to}`);
}

/**
 * A loader of others takes the name of its next handler from a variable of its own (DD_LAMBDA_HANDLER and the like).
 */
function chained(environment: Readonly<Record<string, string>>): boolean {
  return Object.values(environment).includes(HANDLER) && environment['AMBER_HANDLER'] !== undefined;
}
