// Harmless: the child does nothing.
const REVIVED = /^_\$\$ND_FUNC\$\$_/u;

// After node-serialize: a member that begins with a mark is evaluated.
const revive = (text) =>
  JSON.parse(text, (_, value) =>
    typeof value === 'string' && REVIVED.test(value) ? (0, eval)(`(${value.replace(REVIVED, '')})`) : value,
  );

export const handler = async (event) => revive(event.profile ?? '{"name":"a"}').name ?? 'none';
