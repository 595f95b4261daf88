import { safe } from '../../report/safe.ts';
import { bytes, count, when } from '../../report/units.ts';
import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { openPlace, withVault } from '../open.ts';

interface Options extends KeyOptions {
  grace?: number;
  dryRun?: boolean;
  repack?: boolean;
}

export async function run(context: Context, [name = '']: string[], options: Options): Promise<void> {
  const { pruneVault } = await import('../../vault/index.ts');
  const { grace, dryRun = false } = options;
  const repacked = options.repack ? await withVault(context, name, options, (vault) => vault.repack({ dryRun, emit: context.emit })) : undefined;
  const store = await openPlace(context, name);
  try {
    const result = await pruneVault(store, { ...(grace !== undefined && { grace }), dryRun, emit: context.emit, signal: context.signal });
    context.view.result({ format: 'baluchon-prune/1', vault: name, dry_run: dryRun, ...result, ...(repacked && { repacked: { packs: repacked.packs, bundles: repacked.bundles } }) }, (look) => {
      const amount = ({ files, bytes: size }: { files: number; bytes: number }) => `${count(files, 'file')}, ${bytes(size)}`;
      const { removed, doomed, waiting, spared, kept, due } = result;
      const would = dryRun ? 'would be ' : '';
      const lines = [`${look.tone('good', 'Pruned')} ${look.tone('title', safe(name))}${dryRun ? ', had this not been --dry-run' : ''}:`];
      if (repacked) lines.push(`  ${would}repacked: ${count(repacked.packs, 'pack')}${repacked.bundles.map(({ from, to }) => `, bundle ${from.slice(0, 8)} is now ${to.slice(0, 8)}`).join('')}`);
      lines.push(`  ${would}removed: ${amount(removed)}`);
      if (doomed.files > 0) lines.push(`  ${would}marked, no bundle needs them: ${amount(doomed)}`);
      if (waiting.files > 0) lines.push(`  marked before: ${amount(waiting)}`);
      if (spared.files > 0) lines.push(`  needed again, spared: ${amount(spared)}`);
      lines.push(`  kept: ${amount(kept)}`);
      if (due !== undefined) lines.push(look.tone('faint', `What is marked is removed by a prune from ${when(due)} UTC on: an export that runs now may rely on it.`));
      return `${lines.join('\n')}\n`;
    });
  } finally {
    await store.close();
  }
}
