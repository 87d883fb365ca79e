import { createRequire } from 'node:module';

// By require, like the layer: what is patched is what CommonJS sees, the runtime's own modules included.
const require = createRequire(import.meta.url);
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { AwsLambdaInstrumentation } = require('@opentelemetry/instrumentation-aws-lambda');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');

new NodeTracerProvider().register();
registerInstrumentations({ instrumentations: [new AwsLambdaInstrumentation(), new HttpInstrumentation()] });
