// Not a runtime client of AWS. The least that speaks the Runtime API in the manner of aws-lambda-ric 4, so that tests
// and the demo run where the real clients cannot be built. It proves nothing about Lambda: for that there are the real
// ones.
import { Agent, request as send } from 'node:http';
import { resolve } from 'node:path';
import { format } from 'node:util';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const PREFIX = '/2018-06-01/runtime';
let requestId = '-';

for (const level of ['log', 'info', 'warn', 'error', 'debug']) {
  const name = level === 'log' ? 'INFO' : level.toUpperCase();
  console[level] = (...words) => {
    process.stdout.write(
      `${new Date().toISOString()}\t${requestId}\t${name}\t${format(...words).replaceAll('\n', '\r')}\n`,
    );
  };
}

globalThis.awslambda = {
  streamifyResponse: (handler, options) => {
    handler[STREAMING] = 'response';
    if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = options.highWaterMark;
    return handler;
  },
  HttpResponseStream: {
    from: (stream, prelude) => {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      stream.prelude = `${JSON.stringify(prelude)}${'\0'.repeat(8)}`;
      return stream;
    },
  },
};

function call(method, path, body, headers = {}) {
  return new Promise((done, failed) => {
    const request = send({ host, port, method, path: PREFIX + path, headers, agent }, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      done({ headers: response.headers, text });
    });
    request.on('error', failed).end(body);
  });
}

function asError(error) {
  return error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: error.stack.split('\n') }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };
}

async function load() {
  const [, module, path] = /^([^.]*)\.(.*)$/u.exec(process.env._HANDLER);
  let found;
  for (const extension of ['.js', '.mjs', '.cjs']) {
    try {
      found = await import(resolve(process.env.LAMBDA_TASK_ROOT, module + extension));
      break;
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    }
  }
  const find = (from) => path.split('.').reduce((nested, key) => nested?.[key], from);
  const handler = find(found) ?? find(found?.default);
  if (typeof handler !== 'function')
    throw Object.assign(new Error(`${process.env._HANDLER} is undefined or not exported`), {
      name: 'Runtime.HandlerNotFound',
    });
  if (handler.length >= 3 && !handler[STREAMING])
    throw Object.assign(new Error('callbacks are not supported'), { name: 'Runtime.CallbackHandlerDeprecated' });
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    xRayTraceId: headers['lambda-runtime-trace-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

class Processor {
  constructor(handler) {
    this.handler = handler;
  }

  async buffered(event, context) {
    const path = `/invocation/${context.awsRequestId}`;
    try {
      const result = await this.handler(event, context);
      await new Promise((turn) => setImmediate(turn));
      await call('POST', `${path}/response`, JSON.stringify(result === undefined ? null : result), {
        'content-type': 'application/json',
      });
    } catch (error) {
      console.error('Invoke Error', JSON.stringify(asError(error)));
      await call('POST', `${path}/error`, JSON.stringify(asError(error)), { 'content-type': 'application/json' });
    }
  }

  async streaming(event, context) {
    const request = send({
      host,
      port,
      method: 'POST',
      path: `${PREFIX}/invocation/${context.awsRequestId}/response`,
      agent,
      headers: {
        'lambda-runtime-function-response-mode': 'streaming',
        'content-type': 'application/octet-stream',
        trailer: ['Lambda-Runtime-Function-Error-Type', 'Lambda-Runtime-Function-Error-Body'],
        'transfer-encoding': 'chunked',
      },
    });
    const answered = new Promise((done) => request.on('response', (response) => response.resume().on('end', done)));
    request.setContentType = (type) => request.setHeader('content-type', type);
    const write = request.write.bind(request);
    request.write = (...args) => {
      if (request.prelude !== undefined) write(request.prelude);
      request.prelude = undefined;
      return write(...args);
    };
    try {
      await this.handler(event, request, context);
      await answered;
    } catch (error) {
      console.error('Invoke Error', JSON.stringify(asError(error)));
      request.addTrailers({
        'Lambda-Runtime-Function-Error-Type': asError(error).errorType,
        'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(asError(error))).toString('base64'),
      });
      request.end();
      await answered;
    }
  }
}

let handler;
try {
  handler = await load();
} catch (error) {
  await call('POST', '/init/error', JSON.stringify(asError(error)), { 'content-type': 'application/json' });
  throw error;
}
const processor = new Processor(handler);
for (;;) {
  const { headers, text } = await call('GET', '/invocation/next');
  const context = contextOf(headers);
  requestId = context.awsRequestId;
  process.env._X_AMZN_TRACE_ID = context.xRayTraceId;
  await processor[handler[STREAMING] ? 'streaming' : 'buffered'](JSON.parse(text), context);
}
