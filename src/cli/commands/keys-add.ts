import { memberName } from '../../report/members.ts';
import type { Context } from '../context.ts';
import { newPassphrase, readPassphrase, readText, type KeyOptions } from '../keys.ts';
import { withVault } from '../open.ts';

interface Options extends KeyOptions {
  owner?: string[];
  writer?: string[];
  newPassphraseFile?: string[];
}

export async function run(context: Context, [name = '']: string[], options: Options): Promise<void> {
  const { owner = [], writer = [], newPassphraseFile = [] } = options;
  const owners = await Promise.all(owner.map((file) => readText(context, file, 'owner\'s key')));
  const writers = await Promise.all(writer.map((file) => readText(context, file, 'writer\'s key')));
  const passphrases = await Promise.all(newPassphraseFile.map((file) => readPassphrase(context, file)));
  await withVault(context, name, options, async ({ keys }) => {
    if (owners.length + writers.length + passphrases.length === 0) passphrases.push(await newPassphrase(context, undefined));
    const added = await keys.add({ owners, writers, passphrases });
    context.view.result({ format: 'baluchon-keys-add/1', added }, (look) =>
      added.map((member) => `${look.tone('good', 'Added')} ${memberName(member, look)}: ${member.role === 'owner' ? 'reads everything, what is there already included' : 'adds bundles and reads none'}.\n`).join(''),
    );
  });
}
