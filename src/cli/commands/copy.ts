import { BaluchonError } from '../../errors.ts';
import { safe } from '../../report/safe.ts';
import { bytes, count } from '../../report/units.ts';
import type { Context } from '../context.ts';
import { exitCode } from '../exit.ts';
import { openPlace, type PlaceOptions } from '../open.ts';

interface Options extends PlaceOptions {
  salvage?: boolean;
  parallel?: number;
}

export async function run(context: Context, [source = '', target = '']: string[], options: Options): Promise<number> {
  const { copyVault } = await import('../../vault/index.ts');
  const from = await openPlace(context, source);
  try {
    const to = await openPlace(context, target, { ...options, create: true });
    try {
      const { salvage, parallel } = options;
      const result = await copyVault(from, to, { ...(salvage && { salvage }), ...(parallel && { parallel }), emit: context.emit, signal: context.signal });
      const { problems, leftovers } = result;
      context.view.result({ format: 'baluchon-copy/1', from: source, to: target, ...result }, (look) => {
        const lines = problems.map((problem) => `  ${look.tone('bad', '!')} ${safe(problem)}\n`);
        const left = leftovers.length === 0 ? '' : `${leftovers.map((file) => `  ${look.tone('warn', '!')} only there: ${file}\n`).join('')}${look.tone('warn', 'Who was put out')} of ${safe(source)} may still open ${safe(target)} with ${leftovers.length === 1 ? 'this file' : 'these files'}. Put them out there as well: baluchon keys remove ${safe(target)} <who>\n`;
        const said = result.files === 0
          ? `${look.tone('title', safe(target))} has all of it already.\n`
          : `${look.tone('good', 'Copied')} ${count(result.bundles.length, 'bundle')} to ${look.tone('title', safe(target))}: ${count(result.files, 'file')}, ${bytes(result.bytes)}.\n`;
        return problems.length === 0 ? said + left : `${lines.join('')}\n${result.files === 0 ? 'Nothing more could be copied.\n' : said}${look.tone('bad', 'Damaged:')} ${count(problems.length, 'problem')} in ${safe(source)}.\n${left}`;
      });
      return problems.length > 0 ? exitCode(new BaluchonError('vault', 'damaged')) : 0;
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}
