import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BaluchonError } from '../../errors.ts';
import { safe } from '../../report/safe.ts';
import type { Context } from '../context.ts';
import { reasonOf } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { withVault } from '../open.ts';

interface Options extends KeyOptions {
  output?: string;
}

export async function run(context: Context, [name = '']: string[], options: Options): Promise<void> {
  const { output } = options;
  const { newPaperKey, paperCode, paperLines } = await import('../../keys/paper.ts');
  const { paperHtml, paperSvg, paperText } = await import('../../report/paper.ts');
  await withVault(context, name, options, async ({ id, root, keys }) => {
    const key = newPaperKey();
    // A place that can't be written to is found before there is a key that nobody has.
    const file = output === undefined ? undefined : await create(resolve(context.cwd, output), output);
    try {
      const [member] = await keys.add({ papers: [key] });
      const page = { place: name, vault: id, root, key: member!.name, made: member!.added, lines: paperLines(key), code: paperCode(key) };
      await file?.writeFile(output!.endsWith('.html') ? paperHtml(page) : output!.endsWith('.svg') ? paperSvg(page) : paperText(page));
      const data = { format: 'baluchon-keys-paper/1', added: member, ...(output === undefined ? { lines: page.lines, code: page.code } : { file: output }) };
      context.view.result(data, (look) =>
        output === undefined ? paperText(page, look.width !== Infinity) : `${look.tone('good', 'Written')}: ${safe(output)}. Print it, try it with --paper, then remove the file: whoever has it reads the vault.\n`,
      );
    } catch (error) {
      if (file) await rm(resolve(context.cwd, output!), { force: true });
      throw error;
    } finally {
      await file?.close();
    }
  });
}

async function create(path: string, shown: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    throw new BaluchonError('usage', `cannot write ${shown}: ${reasonOf(cause)}`, { cause });
  }
}
