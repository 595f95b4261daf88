import { BaluchonError } from '../../errors.ts';
import { safe } from '../../report/safe.ts';
import { bytes, count } from '../../report/units.ts';
import type { VerifyResult } from '../../vault/types.ts';
import type { Context } from '../context.ts';
import { exitCode } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { openPlace, parseBundle, withVault } from '../open.ts';

interface Options extends KeyOptions {
  readData?: boolean;
  withoutKeys?: boolean;
}

export async function run(context: Context, [name = '']: string[], options: Options): Promise<number> {
  const { vault: path, ref } = parseBundle(name, context.cwd);
  const one = path !== name;
  const readData = options.readData === true;
  const withoutKeys = options.withoutKeys === true;
  if (withoutKeys && (readData || one)) throw new BaluchonError('usage', 'without keys all files of a vault are checked, and nothing in them', { hint: 'leave out --read-data and @BUNDLE, or give a key' });
  const result = await (withoutKeys ? keyless(context, path) : withVault(context, path, options, (vault) => vault.verify({ ...(one && { ref }), readData, signal: context.signal })));
  // A vault has files: a check that looked at none has checked nothing.
  if (result.files === 0) throw new BaluchonError('vault', `nothing was found to verify in ${path}`);
  context.view.result({ format: 'baluchon-verify/1', read_data: readData, without_keys: withoutKeys, ...result }, (look) => {
    const looked = `${count(result.files, 'file')}, ${bytes(result.bytes)}${readData ? ', every byte of every disk' : ''}`;
    const unseen = withoutKeys ? `${look.tone('faint', 'Signatures, and the texts in clear, take a key to check.')}\n` : '';
    if (result.problems.length === 0) return `${look.tone('good', 'Whole:')} ${looked}, all there and as written.\n${unseen}`;
    const lines = result.problems.map((problem) => `  ${look.tone('bad', '!')} ${safe(problem)}`);
    return `${lines.join('\n')}\n\n${look.tone('bad', 'Damaged:')} ${count(result.problems.length, 'problem')} in ${looked}.\n`;
  });
  return result.problems.length > 0 ? exitCode(new BaluchonError('vault', 'damaged')) : 0;
}

async function keyless(context: Context, path: string): Promise<VerifyResult> {
  const store = await openPlace(context, path);
  try {
    const { verifyWithoutKeys } = await import('../../vault/index.ts');
    return await verifyWithoutKeys(store, { emit: context.emit, signal: context.signal });
  } finally {
    await store.close();
  }
}
