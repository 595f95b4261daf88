import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BaluchonError } from '../errors.ts';
import type { Key } from '../vault/types.ts';
import type { Context } from './context.ts';
import { reasonOf } from './exit.ts';

export interface KeyOptions {
  /** Reads a damaged bundle as far as it goes. */
  salvage?: boolean;
  passphraseFile?: string;
  identity?: string;
  paper?: string;
  allowUnknownWriter?: boolean;
}

const HINT = 'give --passphrase-file FILE, --identity KEY.asc or --paper FILE (or set BALUCHON_PASSPHRASE_FILE or BALUCHON_IDENTITY)';

/**
 * What opens a vault. What the command line names stands alone; without it the environment counts; without that the person
 * at the terminal is asked. With an identity the passphrase is the identity's own.
 */
export async function readKey(context: Context, options: KeyOptions, vault: string): Promise<Key> {
  if (options.paper !== undefined) return readPaper(await readText(context, options.paper, 'paper key'), options.paper);
  const named = options.identity !== undefined || options.passphraseFile !== undefined;
  const identityFile = options.identity ?? (named ? undefined : context.env['BALUCHON_IDENTITY']);
  const passphraseFile = options.passphraseFile ?? (context.env['BALUCHON_PASSPHRASE_FILE'] || undefined);
  if (identityFile) {
    const identity = await readText(context, identityFile, 'identity');
    if (await isPaper(identity)) return readPaper(identity, identityFile);
    if (!(await isLocked(identity, identityFile))) return { identity };
    const passphrase = passphraseFile ? await readPassphrase(context, passphraseFile) : await ask(context, `Passphrase of ${identityFile}`);
    return { identity, passphrase };
  }
  return { passphrase: passphraseFile ? await readPassphrase(context, passphraseFile) : await ask(context, `Passphrase of ${vault}`) };
}

async function isPaper(text: string): Promise<boolean> {
  return (await import('../keys/paper.ts')).looksLikePaper(text);
}

/** A paper key is a passphrase that checks itself. */
async function readPaper(text: string, file: string): Promise<Key> {
  return { passphrase: (await import('../keys/paper.ts')).parsePaperKey(text, file) };
}

/** The passphrase of a new vault: from the file, or asked for twice. */
export async function newPassphrase(context: Context, file: string | undefined): Promise<string> {
  if (file) return readPassphrase(context, file);
  const passphrase = await ask(context, 'New passphrase');
  if (passphrase === '') throw new BaluchonError('usage', 'the passphrase is empty');
  if ((await ask(context, 'The same again')) !== passphrase) throw new BaluchonError('usage', 'the two passphrases differ');
  return passphrase;
}

/** The file's text without one line end at its end. */
export async function readPassphrase(context: Context, file: string): Promise<string> {
  const passphrase = (await readText(context, file, 'passphrase file')).replace(/\r?\n$/, '');
  if (passphrase === '') throw new BaluchonError('usage', `the passphrase file ${file} is empty`);
  return passphrase;
}

export async function readText(context: Pick<Context, 'cwd'>, file: string, what: string): Promise<string> {
  try {
    return await readFile(resolve(context.cwd, file), 'utf8');
  } catch (error) {
    throw new BaluchonError('usage', `cannot read the ${what} ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

async function ask(context: Context, question: string): Promise<string> {
  if (!context.terminal.interactive) throw new BaluchonError('usage', 'no key to open the vault with, and no terminal to ask for a passphrase', { hint: HINT });
  return context.terminal.secret(question);
}

/** Whether an OpenPGP secret key needs a passphrase of its own. */
async function isLocked(armored: string, file: string): Promise<boolean> {
  const { readPrivateKey } = await import('openpgp');
  try {
    return !(await readPrivateKey({ armoredKey: armored })).isDecrypted();
  } catch (error) {
    throw new BaluchonError('usage', `${file} is not an OpenPGP secret key (armored)`, { hint: 'gpg --armor --export-secret-keys YOU > key.asc', cause: error });
  }
}
