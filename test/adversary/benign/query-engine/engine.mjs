import { createServer } from 'node:http';
import { connect } from 'node:net';

const database = connect(5432, '10.0.12.5').on('error', () => undefined);
createServer((_, response) => {
  database.write('select 1');
  response.end('rows');
}).listen(47011, '127.0.0.1');
