// A package that is loaded when it is first needed.
export const handler = async () => {
  const { twice } = await import('tiny-doubling');
  await new Promise((done) => setTimeout(done, 250));
  return twice(2);
};
