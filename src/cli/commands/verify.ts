import { BaluchonError } from '../../errors.ts';
import { safe } from '../../report/safe.ts';
import { bytes, count } from '../../report/units.ts';
import type { Context } from '../context.ts';
import { exitCode } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { parseBundle, withVault } from '../open.ts';

interface Options extends KeyOptions {
  readData?: boolean;
}

export async function run(context: Context, [name = '']: string[], options: Options): Promise<number> {
  const { vault: path, ref } = parseBundle(name, context.cwd);
  const one = path !== name;
  return withVault(context, path, options, async (vault) => {
    const readData = options.readData === true;
    const result = await vault.verify({ ...(one && { ref }), readData, signal: context.signal });
    // A vault has files: a check that looked at none has checked nothing.
    if (result.files === 0) throw new BaluchonError('vault', `nothing was found to verify in ${path}`);
    context.view.result({ format: 'baluchon-verify/1', read_data: readData, ...result }, (look) => {
      const looked = `${count(result.files, 'file')}, ${bytes(result.bytes)}${readData ? ', every byte of every disk' : ''}`;
      if (result.problems.length === 0) return `${look.tone('good', 'Whole:')} ${looked}, all there and as written.\n`;
      const lines = result.problems.map((problem) => `  ${look.tone('bad', '!')} ${safe(problem)}`);
      return `${lines.join('\n')}\n\n${look.tone('bad', 'Damaged:')} ${count(result.problems.length, 'problem')} in ${looked}.\n`;
    });
    return result.problems.length > 0 ? exitCode(new BaluchonError('vault', 'damaged')) : 0;
  });
}
