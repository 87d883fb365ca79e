import type { Benign } from '../../detection/case.ts';

export const benign: Benign = {
  does: 'Is traced by OpenTelemetry, loaded through NODE_OPTIONS, which patches the modules that it traces.',
  packages: [
    '@opentelemetry/api',
    '@opentelemetry/instrumentation',
    '@opentelemetry/instrumentation-aws-lambda',
    '@opentelemetry/instrumentation-http',
    '@opentelemetry/sdk-trace-node',
  ],
  victims: ['node'],
  events: [{}, {}, {}, {}],
  env: { NODE_OPTIONS: '--import /var/task/tracing.mjs' },
};
