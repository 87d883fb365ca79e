// A function as it is: it knows nothing of the layer in front of it.
export const handler = async (event) => {
  if (event?.fail) throw new TypeError('the order has no lines');
  return { statusCode: 200, body: `hello ${event?.name ?? 'world'}` };
};
