import type { Cloud } from '../cloud/cloud.ts';
import type { Mapping, Plan } from '../import/types.ts';
import type { Bundle } from '../vault/types.ts';
import type { Context } from './context.ts';
import { readText, type KeyOptions } from './keys.ts';
import { withBundle, withCloud, type CloudOptions } from './open.ts';

export interface PlanOptions extends KeyOptions, CloudOptions {
  map?: string;
  only?: string[];
  rename?: string;
}

export interface Prepared {
  cloud: Cloud;
  bundle: Bundle;
  mapping: Mapping;
  plan: Plan;
}

/** Opens bundle and cloud, looks at what is there, and plans: what plan and import have in common. `alone`: no other process may import this meanwhile. */
export async function withPlan<T>(context: Context, name: string, options: PlanOptions, alone: boolean, work: (prepared: Prepared) => Promise<T>): Promise<T> {
  // Before anything slow: a mistake in a file is best told at once.
  const { guessMapping, lockImport, planImport, readMapping, takeInventory } = await import('../import/index.ts');
  const given = options.map === undefined ? undefined : readMapping(await readText(context, options.map, 'mapping file'), options.map);
  return withBundle(context, name, options, (bundle) =>
    withCloud(context, options, async (cloud) => {
      const release = alone ? await lockImport({ bundle: bundle.info.id, project: cloud.project.id, rename: options.rename }) : undefined;
      try {
        const inventory = await takeInventory(cloud, {
          bundle: bundle.info.id,
          ...(options.rename !== undefined && { rename: options.rename }),
          emit: context.emit,
          signal: context.signal,
        });
        const mapping = given ?? guessMapping(bundle.documents, inventory).mapping;
        const plan = planImport(bundle, inventory, mapping, { ...(options.only && { only: options.only }), ...(options.rename !== undefined && { rename: options.rename }) });
        return await work({ cloud, bundle, mapping, plan });
      } finally {
        await release?.();
      }
    }),
  );
}

/** What keeps a plan from being applied: conflicts, which a person has to decide, and quota. */
export function obstacles(plan: Plan): { conflicts: string[]; quota: string[] } {
  return {
    conflicts: plan.actions.filter((action) => action.action === 'conflict').map((action) => `${action.kind} ${action.name}: ${action.reason}`),
    quota: plan.quota.filter((line) => !line.fits).map((line) => `${line.resource} (${line.needed} needed, ${line.free} free)`),
  };
}
