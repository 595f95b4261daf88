import { resolve } from 'node:path';
import { safe } from '../../report/safe.ts';
import { bytes, count } from '../../report/units.ts';
import type { Context } from '../context.ts';
import { openPlace, parseBundle } from '../open.ts';

export async function run(context: Context, [name = '']: string[], { output }: { output: string }): Promise<void> {
  const { packBundle } = await import('../../vault/index.ts');
  const { vault, ref } = parseBundle(name, context.cwd);
  const store = await openPlace(context, vault);
  try {
    const packed = await packBundle(store, ref, resolve(context.cwd, output), { emit: context.emit, signal: context.signal });
    context.view.result({ format: 'baluchon-pack/1', file: output, ...packed }, (look) =>
      `${look.tone('good', 'Packed')} ${safe(vault)}@${packed.bundle.id.slice(0, 8)} into ${look.tone('title', safe(output))}: ${count(packed.files, 'file')}, ${bytes(packed.bytes)}. It opens with the vault's keys.\n`,
    );
  } finally {
    await store.close();
  }
}
