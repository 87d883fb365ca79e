export const handler = async () => {
  const answer = await fetch('http://localhost:2773/systemsmanager/parameters/get?name=colour', {
    headers: { 'X-Aws-Parameters-Secrets-Token': process.env.AWS_SESSION_TOKEN },
  });
  return (await answer.json()).Parameter.Value;
};
