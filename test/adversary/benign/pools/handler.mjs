import { Agent, request } from 'node:http';
import { connect } from 'node:net';

const database = Array.from({ length: 4 }, () => connect(5432, '10.0.12.5').on('error', () => undefined));
const agent = new Agent({ keepAlive: true });

const ask = () =>
  new Promise((done, failed) => {
    request({ host: '198.51.100.20', port: 443, agent }, (response) =>
      response.resume().on('end', () => done(response.statusCode)),
    )
      .on('error', failed)
      .end();
  });

export const handler = async () => {
  for (const connection of database) connection.write('select 1');
  return [await ask(), await ask(), (await fetch('http://198.51.100.20:443/')).status];
};
