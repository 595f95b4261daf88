import { rm } from 'node:fs/promises';
import { BaluchonError } from '../../errors.ts';
import { count } from '../../report/units.ts';
import { safe } from '../../report/safe.ts';
import type { Context } from '../context.ts';
import { newPassphrase, readText } from '../keys.ts';
import { memoryFolder, openPlace } from '../open.ts';

interface Options {
  passphraseFile?: string;
  owner?: string[];
  writer?: string[];
  profile: 'rfc4880' | 'rfc9580';
}

export async function run(context: Context, [vault = '']: string[], options: Options): Promise<void> {
  const files = options.owner ?? [];
  const owners = await Promise.all(files.map((file) => readText(context, file, 'owner\'s key')));
  const writers = await Promise.all((options.writer ?? []).map((file) => readText(context, file, 'writer\'s key')));
  const file = options.passphraseFile ?? (files.length > 0 ? undefined : context.env['BALUCHON_PASSPHRASE_FILE'] || undefined);
  if (file === undefined && files.length === 0 && !context.terminal.interactive) {
    throw new BaluchonError('usage', 'a vault needs a passphrase or an owner, and there is no terminal to ask for a passphrase', { hint: 'give --passphrase-file FILE or --owner KEY.asc' });
  }
  const passphrases = file !== undefined || files.length === 0 ? [await newPassphrase(context, file)] : [];
  const { createVault, memoryFile } = await import('../../vault/index.ts');
  const store = await openPlace(context, vault, { create: true });
  try {
    await createVault(store, { passphrases, owners, writers, sealing: options.profile });
    // Whatever was here before is gone by the user's will.
    await rm(memoryFile(memoryFolder(context.env), store), { force: true });
  } finally {
    await store.close();
  }
  const who = [passphrases.length > 0 ? 'the passphrase' : '', files.length > 0 ? `the secret key of ${files.length === 1 ? safe(files[0] ?? '') : `one of ${count(files.length, 'owner')}`}` : ''].filter((part) => part !== '').join(', or ');
  context.view.result({ format: 'baluchon-init/1', vault, passphrases: passphrases.length, owners: files, writers: options.writer ?? [], profile: options.profile }, (look) =>
    [
      `${look.tone('good', 'Created')} the vault ${look.tone('title', safe(vault))}.`,
      `It opens with ${who}, and with nothing else: keep it safe, and not only here.`,
      ...(writers.length > 0 ? [`${count(writers.length, 'writer')} can add bundles and read none.`] : []),
      look.tone('faint', `A page to keep in a drawer, for the day when nothing else is left: baluchon keys paper ${safe(vault)}`),
      look.tone('faint', `Next: baluchon export ${safe(vault)} --os-cloud NAME`),
      '',
    ].join('\n'),
  );
}
