import { diffText } from '../../report/diff.ts';
import type { Side } from '../../tenant/diff.ts';
import type { Context } from '../context.ts';
import { DIFFERS } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { withBundle, withCloud } from '../open.ts';

export async function run(context: Context, [left = '', right = '']: string[], options: KeyOptions): Promise<number> {
  const sides = [await read(context, left, options), await read(context, right, options)] as const;
  const { diffDocuments } = await import('../../tenant/diff.ts');
  const { diffRules } = await import('../../kinds/index.ts');
  const differences = diffDocuments(...sides, diffRules);
  context.view.result({ format: 'baluchon-diff/1', left, right, differences }, (look) => diffText(differences, { left, right, documents: sides[0].documents }, look));
  return differences.length > 0 ? DIFFERS : 0;
}

const CLOUD = 'cloud:';

async function read(context: Context, side: string, keys: KeyOptions): Promise<Side> {
  if (!side.startsWith(CLOUD)) return withBundle(context, side, keys, async ({ documents }) => ({ documents }));
  return withCloud(context, { osCloud: side.slice(CLOUD.length) }, async (cloud) => {
    const { readTenant } = await import('../../export/index.ts');
    const { documents } = await readTenant(cloud, { emit: context.emit, signal: context.signal });
    return { documents };
  });
}
