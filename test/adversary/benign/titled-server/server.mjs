import { connect } from 'node:net';

process.title = 'orders: ready';
const partner = connect(443, '198.51.100.20').on('error', () => undefined);
process.on('message', () => {
  partner.write('GET / HTTP/1.1\r\n\r\n');
  process.send(process.title);
});
