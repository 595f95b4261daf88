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
      const { problems } = result;
      context.view.result({ format: 'baluchon-copy/1', from: source, to: target, ...result }, (look) => {
        const lines = problems.map((problem) => `  ${look.tone('bad', '!')} ${safe(problem)}\n`);
        const said = result.files === 0
          ? `${look.tone('title', safe(target))} has all of it already.\n`
          : `${look.tone('good', 'Copied')} ${count(result.bundles.length, 'bundle')} to ${look.tone('title', safe(target))}: ${count(result.files, 'file')}, ${bytes(result.bytes)}.\n`;
        return problems.length === 0 ? said : `${lines.join('')}\n${result.files === 0 ? 'Nothing more could be copied.\n' : said}${look.tone('bad', 'Damaged:')} ${count(problems.length, 'problem')} in ${safe(source)}.\n`;
      });
      return problems.length > 0 ? exitCode(new BaluchonError('vault', 'damaged')) : 0;
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}
