import { membersText } from '../../report/members.ts';
import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { withVault } from '../open.ts';

export async function run(context: Context, [name = '']: string[], options: KeyOptions): Promise<void> {
  await withVault(context, name, options, async ({ id, root, keys }) => {
    const members = keys.list();
    context.view.result({ format: 'baluchon-keys/1', vault: id, root, epoch: keys.epoch, members }, (look) => membersText({ root, epoch: keys.epoch, members }, look));
  });
}
