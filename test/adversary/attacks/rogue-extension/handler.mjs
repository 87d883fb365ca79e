// The function is innocent.
export const handler = async () => {
  await new Promise((done) => setTimeout(done, 50));
  return 'ok';
};
