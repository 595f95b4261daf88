import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { withBundle, withCloud, type CloudOptions } from '../open.ts';

export async function run(context: Context, [name = '']: string[], options: KeyOptions & CloudOptions): Promise<void> {
  await withBundle(context, name, options, (bundle) =>
    withCloud(context, options, async (cloud) => {
      const { guessMapping, takeInventory, writeMapping } = await import('../../import/index.ts');
      const inventory = await takeInventory(cloud, { bundle: bundle.info.id, emit: context.emit, signal: context.signal });
      const guess = guessMapping(bundle.documents, inventory);
      context.view.result({ format: 'baluchon-map/1', ...guess }, () => writeMapping(guess, `what of ${bundle.info.source.cloud} (${bundle.info.source.project.name}) stands for what on ${inventory.cloud} (${inventory.project.name})`));
    }),
  );
}
