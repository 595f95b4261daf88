import { safe } from '../../report/safe.ts';
import { bytes, count } from '../../report/units.ts';
import type { Context } from '../context.ts';
import { openPlace, parseBundle } from '../open.ts';

export async function run(context: Context, [name = '', vault = '']: string[]): Promise<void> {
  const { unpackBundle } = await import('../../vault/index.ts');
  const { vault: file, ref } = parseBundle(name, context.cwd);
  const from = await openPlace(context, file);
  try {
    const to = await openPlace(context, vault, { create: true });
    try {
      const unpacked = await unpackBundle(from, ref, to, { emit: context.emit, signal: context.signal });
      context.view.result({ format: 'baluchon-unpack/1', to: vault, ...unpacked }, (look) => {
        const bundle = look.tone('title', `${safe(vault)}@${unpacked.bundle.id.slice(0, 8)}`);
        if (unpacked.files === 0) return `${bundle} is all there already.\n`;
        const said = `${look.tone('good', 'Unpacked')} ${bundle}: ${count(unpacked.files, 'file')}, ${bytes(unpacked.bytes)}.\n`;
        return unpacked.absent.length === 0 ? said : `${said}The bundle before it is not here: verify tells it of the vault as a whole, and not of ${bundle}.\n`;
      });
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}
