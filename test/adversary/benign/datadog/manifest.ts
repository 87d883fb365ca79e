import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Is wrapped by the library of Datadog, which patches what it traces.',
  packages: ['datadog-lambda-js', 'dd-trace'],
  victims: ['node'],
  events: [{}, {}, {}, {}],
  entry: 'node_modules/datadog-lambda-js/dist/handler.handler',
  env: {
    DD_LAMBDA_HANDLER: 'index.handler',
    DD_TRACE_ENABLED: 'true',
    DD_FLUSH_TO_LOG: 'true',
    DD_SITE: 'datadoghq.com',
  },
};
