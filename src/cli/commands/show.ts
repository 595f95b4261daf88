import { BaluchonError } from '../../errors.ts';
import { treeText } from '../../report/tree.ts';
import type { Document } from '../../tenant/document.ts';
import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { withBundle } from '../open.ts';

export async function run(context: Context, [name = '', what]: string[], options: KeyOptions): Promise<void> {
  await withBundle(context, name, options, async ({ info, documents, disks }) => {
    if (what === undefined) {
      context.view.result({ format: 'baluchon-show/1', info, documents, disks }, (look) => treeText({ info, documents, disks }, look));
      return;
    }
    const chosen = choose(documents, what);
    const { documentYaml } = await import('../../vault/index.ts');
    const ids = new Set(chosen.map((document) => document.id));
    context.view.result({ format: 'baluchon-show/1', info, documents: chosen, disks: disks.filter((disk) => ids.has(disk.id)) }, () => chosen.map(documentYaml).join('---\n'));
  });
}

/** `KIND`, `KIND/NAME` or `KIND/ID`; names may hold slashes. */
function choose(documents: readonly Document[], what: string): Document[] {
  const slash = what.indexOf('/');
  const kind = slash < 0 ? what : what.slice(0, slash);
  const name = slash < 0 ? undefined : what.slice(slash + 1);
  const ofKind = documents.filter((document) => document.kind === kind);
  const kinds = [...new Set(documents.map((document) => document.kind))].sort();
  if (ofKind.length === 0) throw new BaluchonError('usage', `the bundle holds no ${kind}`, { hint: kinds.length === 0 ? 'it is empty' : `it holds: ${kinds.join(', ')}` });
  const chosen = ofKind.filter((document) => name === undefined || document.name === name || document.id === name);
  if (chosen.length === 0) {
    const names = ofKind.map((document) => (document.name === '' ? document.id : document.name)).sort();
    throw new BaluchonError('usage', `the bundle holds no ${kind} called ${name}`, { hint: `it holds: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', ...' : ''}` });
  }
  return chosen;
}
