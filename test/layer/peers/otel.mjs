// What OpenTelemetry's layers preload: the hook for ES modules, and the instrumentation of the handler. Spans go to
// standard output.
import { register } from 'node:module';
import { trace } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { AwsLambdaInstrumentation } from '@opentelemetry/instrumentation-aws-lambda';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const exporter = {
  export: (spans, done) => {
    for (const span of spans) process.stdout.write(`span ${span.name} ${span.status.code}\n`);
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};
const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
trace.setGlobalTracerProvider(tracerProvider);
registerInstrumentations({ tracerProvider, instrumentations: [new AwsLambdaInstrumentation()] });
