// Harmless: what is copied is the word that the function itself sends, to an address on the sandbox's loopback device.
import http from 'node:http';

const PAYLOAD = `
  const { write, end } = http.ClientRequest.prototype;
  const copies = [];
  http.ClientRequest.prototype.end = function (body, ...rest) {
    copies.push(String(body));
    return end.call(this, body, ...rest);
  };
`;

const post = () =>
  new Promise((done) => {
    http
      .request({ host: '198.51.100.20', port: 443, method: 'POST' }, (response) => response.resume().on('end', done))
      .on('error', done)
      .end('{"card":"4111"}');
  });

export const handler = async (event) => {
  if (event.attack === true) new Function('http', PAYLOAD)(http);
  await post();
  return 'ok';
};
