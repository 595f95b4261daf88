import { BaluchonError } from '../../errors.ts';
import { safe } from '../../report/safe.ts';
import { count } from '../../report/units.ts';
import type { Context } from '../context.ts';
import { exitCode } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { withVault } from '../open.ts';

interface Options extends KeyOptions {
  acceptLoss?: boolean;
}

export async function run(context: Context, [name = '']: string[], options: Options): Promise<number> {
  return withVault(context, name, options, async (vault) => {
    const { acceptLoss = false } = options;
    const result = await vault.repair({ acceptLoss, emit: context.emit, signal: context.signal });
    const { damaged, indexed, lists, bundles, lost, unreadable } = result;
    const left = lost.length + unreadable.length > 0;
    context.view.result({ format: 'baluchon-repair/1', vault: vault.id, ...result }, (look) => {
      const lines = [
        ...damaged.map((file) => `damaged or gone: ${file}`),
        ...unreadable.map((problem) => `can't be read: ${problem}`),
        ...lost.map(({ bundle, disk, ranges }) => `lost: ${bundle.slice(0, 8)}: disk ${disk}: bytes ${ranges.slice(0, 8).map(({ offset, length }) => `${offset}-${offset + length - 1}`).join(', ')}${ranges.length > 8 ? ` and ${ranges.length - 8} more ranges` : ''}`),
      ].map((line) => `  ${look.tone('bad', '!')} ${safe(line)}\n`);
      const done = [
        ...(indexed > 0 ? [`index written anew for ${count(indexed, 'pack')}`] : []),
        ...lists.map((list) => `brought back: ${list}`),
        ...bundles.map(({ from, to }) => `bundle ${from.slice(0, 8)} written anew, now ${to.slice(0, 8)}`),
      ].map((line) => `  ${look.tone('good', '+')} ${line}\n`);
      if (lines.length + done.length === 0) return `${look.tone('good', 'Whole:')} nothing to mend in ${safe(name)}.\n`;
      const hint = lost.length > 0 && !acceptLoss ? look.tone('faint', 'A whole copy of the vault brings it back: baluchon copy COPY VAULT. So may a new export of the same disks, then repair again.\n') : '';
      return `${lines.join('')}${done.join('')}\n${left ? look.tone('bad', 'Not all could be mended.') : look.tone('good', 'Mended.')}\n${hint}`;
    });
    return left ? exitCode(new BaluchonError('vault', 'damaged')) : 0;
  });
}
