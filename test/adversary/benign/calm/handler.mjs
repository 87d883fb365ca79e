export const handler = async () => {
  await new Promise((done) => setTimeout(done, 30));
  return 'ok';
};
