import { bundlesText } from '../../report/bundles.ts';
import type { Context } from '../context.ts';
import { DIFFERS } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { withVault } from '../open.ts';

export async function run(context: Context, [name = '']: string[], options: KeyOptions): Promise<number> {
  return withVault(context, name, options, async (vault) => {
    const problems: string[] = [];
    const bundles = await vault.list((error) => problems.push(error.message));
    problems.push(...(await vault.missed()));
    for (const message of problems) context.emit({ type: 'warning', message });
    context.view.result({ format: 'baluchon-list/1', vault: vault.id, bundles, problems }, (look) => bundlesText(bundles, look));
    return problems.length > 0 ? DIFFERS : 0;
  });
}
