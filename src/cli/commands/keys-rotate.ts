import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { withVault } from '../open.ts';

export async function run(context: Context, [name = '']: string[], options: KeyOptions): Promise<void> {
  await withVault(context, name, options, async ({ keys }) => {
    await keys.rotate();
    context.view.result({ format: 'baluchon-keys-rotate/1', epoch: keys.epoch }, (look) =>
      [`${look.tone('good', 'Rotated')}: epoch ${keys.epoch} has begun, and what is exported from now on is sealed to its key.`, 'Owners and writers go on with the keys they have. Nothing was written again.', ''].join('\n'),
    );
  });
}
