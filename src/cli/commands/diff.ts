import { diffText } from '../../report/diff.ts';
import type { Difference, Side } from '../../tenant/diff.ts';
import type { Bundle } from '../../vault/types.ts';
import type { Context } from '../context.ts';
import { DIFFERS } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { withBundle, withCloud } from '../open.ts';

/** A cloud as it is now, or a bundle, which stays open meanwhile. */
interface Read {
  documents: Side['documents'];
  bundle?: { of: Bundle; vault: string };
}

export async function run(context: Context, [left = '', right = '']: string[], options: KeyOptions): Promise<number> {
  return withSide(context, left, options, (from) =>
    withSide(context, right, options, async (to) => {
      const { diffDocuments } = await import('../../tenant/diff.ts');
      const { diffRules } = await import('../../kinds/index.ts');
      // Disks are named by what they hold with a secret of their vault: those of two vaults can't be compared without reading both.
      const pair = from.bundle && to.bundle && from.bundle.vault === to.bundle.vault ? ([from.bundle.of, to.bundle.of] as const) : undefined;
      const found = diffDocuments(pair ? { ...from, disks: roots(pair[0]) } : from, pair ? { ...to, disks: roots(pair[1]) } : to, diffRules);
      if (pair) for (const difference of found) if (difference.attribute === 'disk') await count(difference, ...pair);
      // A longer disk with nothing but zeros at its end has another root, and no other bytes.
      const differences = found.filter(({ changed }) => changed?.bytes !== 0);
      const data = { format: 'baluchon-diff/1', left, right, disks_compared: pair !== undefined, differences };
      context.view.result(data, (look) => diffText(differences, { left, right, documents: from.documents }, look));
      return differences.length > 0 ? DIFFERS : 0;
    }),
  );
}

const CLOUD = 'cloud:';

async function withSide<T>(context: Context, side: string, keys: KeyOptions, work: (read: Read) => Promise<T>): Promise<T> {
  if (!side.startsWith(CLOUD)) return withBundle(context, side, keys, async (of, vault) => work({ documents: of.documents, bundle: { of, vault: vault.id } }));
  const documents = await withCloud(context, { osCloud: side.slice(CLOUD.length) }, async (cloud) => {
    const { readTenant } = await import('../../export/index.ts');
    return (await readTenant(cloud, { emit: context.emit, signal: context.signal })).documents;
  });
  return work({ documents });
}

const roots = (bundle: Bundle): Map<string, string> => new Map(bundle.disks.map(({ id, root }) => [id, root ?? 'zeros']));

/** Adds how much of the disk differs, from the pages of both. */
async function count(difference: Difference, left: Bundle, right: Bundle): Promise<void> {
  if (difference.from === null || difference.to === null || difference.left === undefined || difference.right === undefined) return;
  const { changedExtents } = await import('../../vault/index.ts');
  const [a, b] = [left.pages(difference.left), right.pages(difference.right)];
  let bytes = 0;
  for await (const { length } of changedExtents(a, b)) bytes += length;
  difference.changed = { bytes, size: Math.max(a.size, b.size) };
}
