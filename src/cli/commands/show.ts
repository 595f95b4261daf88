import { treeText } from '../../report/tree.ts';
import { chooseDocuments } from '../choose.ts';
import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { withBundle } from '../open.ts';

export async function run(context: Context, [name = '', what]: string[], options: KeyOptions): Promise<void> {
  await withBundle(context, name, options, async ({ info, documents, disks }) => {
    if (what === undefined) {
      context.view.result({ format: 'baluchon-show/1', info, documents, disks }, (look) => treeText({ info, documents, disks }, look));
      return;
    }
    const chosen = chooseDocuments(documents, what);
    const { documentYaml } = await import('../../vault/index.ts');
    const ids = new Set(chosen.map((document) => document.id));
    context.view.result({ format: 'baluchon-show/1', info, documents: chosen, disks: disks.filter((disk) => ids.has(disk.id)) }, () => chosen.map(documentYaml).join('---\n'));
  });
}
