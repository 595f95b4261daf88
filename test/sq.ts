import { readFileSync } from 'node:fs';
import { run, type Made } from './tools.ts';

/*
 * Sequoia's sq, as Debian 12 has it (0.27) and as Debian 13 (1.3), which calls many options otherwise.
 */

/** Whether it is one from 1.0 on; these read RFC 9580 too. */
export const newSq = run('sq', ['decrypt', '--help']).text.includes('--recipient-file');
const alone = newSq ? ['--home', 'none', '--batch'] : [];

const sq = (...args: string[]) => run('sq', [...alone, ...args]);

/** Makes a key without a passphrase, in the file `path`. @throws what sq says */
export function sqKey(path: string, userId: string, ...options: string[]): Made {
  const certificate = `${path}.cert`;
  const own = ['--own-key', '--allow-non-canonical-userids', '--without-password', '--output', path, '--rev-cert', `${path}.rev`];
  const made = sq('key', 'generate', '--userid', userId, ...(newSq ? own : ['--export', path]), ...options);
  if (made.status !== 0) throw new Error(made.text);
  sq(...(newSq ? ['key', 'delete', '--cert-file', path] : ['key', 'extract-cert', path]), '--output', certificate);
  return { secret: readFileSync(path, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
}

/** Opens a message with a key, if it is the signer's: paths of files. */
export function sqDecrypt(message: string, key: string, signer: string): ReturnType<typeof run> {
  return sq('decrypt', newSq ? '--recipient-file' : '--recipient-key', key, newSq ? '--signer-file' : '--signer-cert', signer, message);
}

export function sqEncrypt(text: string, certificate: string): ReturnType<typeof run> {
  return sq('encrypt', '--compression', 'none', ...(newSq ? ['--without-signature', '--for-file'] : ['--recipient-cert']), certificate, text);
}
