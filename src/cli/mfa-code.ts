/**
 * Asks for the code of an MFA device on the terminal. It is shown nowhere: other eyes and recordings may see the
 * screen.
 */
import { AmberError } from '../errors.ts';
import { printable } from '../printable.ts';

const CODE = /^\d{6}$/u;
const ATTEMPTS = 3;
const MAX_TYPED = 64;

/** True where somebody can be asked. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** @throws AmberError ACQUIRE_CREDENTIALS when no code is typed. */
export async function askMfaCode(serial: string): Promise<string> {
  const device = printable(serial, 'name', 300);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    process.stderr.write(`Code of the MFA device ${device} (six digits, not shown): `);
    const code = (await hiddenLine().finally(() => process.stderr.write('\n'))).trim();
    if (CODE.test(code)) return code;
  }
  throw noCode();
}

const noCode = (): AmberError =>
  new AmberError('ACQUIRE_CREDENTIALS', 'No code of the MFA device was given: it has six digits, for example 123456.');

/** In raw mode the terminal echoes nothing, and Ctrl-C and Ctrl-D come as characters. */
async function hiddenLine(): Promise<string> {
  const { stdin } = process;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = '';
  const onData = (piece: Buffer): void => {
    for (const letter of piece.toString('latin1')) {
      if (letter === '\r' || letter === '\n') resolve(typed);
      else if (letter === '\u0003' || letter === '\u0004') reject(noCode());
      else if (letter === '\u007f' || letter === '\b') typed = typed.slice(0, -1);
      else if (typed.length < MAX_TYPED) typed += letter;
    }
  };
  const onEnd = (): void => reject(noCode());
  stdin.setRawMode(true);
  stdin.on('data', onData).once('end', onEnd).once('error', onEnd).resume();
  try {
    return await promise;
  } finally {
    stdin.off('data', onData).off('end', onEnd).off('error', onEnd).pause();
    stdin.setRawMode(false);
  }
}
