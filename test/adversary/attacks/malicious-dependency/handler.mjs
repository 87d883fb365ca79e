import { red } from 'tiny-colors';

export const handler = async () => {
  await new Promise((done) => setTimeout(done, 50));
  return red('ok');
};
