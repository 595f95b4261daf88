import { planText } from '../../report/plan.ts';
import type { Context } from '../context.ts';
import { DIFFERS } from '../exit.ts';
import { obstacles, withPlan, type PlanOptions } from '../planning.ts';

export async function run(context: Context, [name = '']: string[], options: PlanOptions): Promise<number> {
  return withPlan(context, name, options, false, async ({ plan, bundle }) => {
    context.view.result(plan, (look) => planText(plan, look, bundle.documents));
    const { conflicts, quota } = obstacles(plan);
    return conflicts.length + quota.length > 0 ? DIFFERS : 0;
  });
}
