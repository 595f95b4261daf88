import { BaluchonError } from '../../errors.ts';
import { importText } from '../../report/fidelity.ts';
import { planText } from '../../report/plan.ts';
import { count } from '../../report/units.ts';
import type { Context } from '../context.ts';
import { DIFFERS } from '../exit.ts';
import { obstacles, withPlan, type PlanOptions } from '../planning.ts';
import type { Plan } from '../../import/types.ts';

interface Options extends PlanOptions {
  yes?: boolean;
  json?: boolean;
  parallel?: number;
}

export async function run(context: Context, [name = '']: string[], options: Options): Promise<number> {
  // With --json there is no plan on the screen that a person could agree to.
  if (options.yes !== true && (!context.terminal.interactive || options.json === true)) {
    throw new BaluchonError('usage', options.json === true ? 'import --json asks no questions' : 'an import asks before it begins, and there is no terminal to ask on', { hint: 'look at: baluchon plan ..., then give --yes' });
  }
  return withPlan(context, name, options, true, async ({ cloud, bundle, mapping, plan }) => {
    context.view.aside((look) => `${planText(plan, look, bundle.documents)}\n`);
    refuse(plan);
    if (options.yes !== true && !(await context.terminal.confirm(`Do this on ${cloud.name}, project ${cloud.project.name}?`))) {
      throw new BaluchonError('interrupted', 'not confirmed, nothing was changed');
    }
    context.cleansUp(`temporary images on ${cloud.name}`);
    const { applyPlan } = await import('../../import/index.ts');
    const report = await applyPlan(cloud, bundle, plan, mapping, { emit: context.emit, signal: context.signal, ...(options.parallel !== undefined && { parallel: options.parallel }) });
    context.view.result(report, (look) => importText(report, look, bundle.documents));
    return report.failed.length > 0 || report.blocked.length > 0 || report.fidelity.some((line) => line.verdict === 'lost') ? DIFFERS : 0;
  });
}

/** Nothing is created while a decision is missing or room is short. */
function refuse(plan: Plan): void {
  const { conflicts, quota } = obstacles(plan);
  if (conflicts.length > 0) {
    const more = conflicts.length > 1 ? `, and ${count(conflicts.length - 1, 'other')}` : '';
    throw new BaluchonError('usage', `in the way on ${plan.target.cloud}: ${conflicts[0]}${more}`, { hint: 'nothing was changed; say what to do in the mapping file, or leave them out with --only' });
  }
  if (quota.length > 0) {
    throw new BaluchonError('quota', `quota too small on ${plan.target.cloud}: ${quota.join(', ')}`, { hint: 'nothing was changed; ask for more quota, remove what is not needed, or import a part with --only' });
  }
}
