import { bundlesText } from '../../report/bundles.ts';
import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { withVault } from '../open.ts';

export async function run(context: Context, [name = '']: string[], options: KeyOptions): Promise<void> {
  await withVault(context, name, options, async (vault) => {
    const bundles = await vault.list();
    context.view.result({ format: 'baluchon-list/1', vault: vault.id, bundles }, (look) => bundlesText(bundles, look));
  });
}
