import { BaluchonError } from '../../errors.ts';
import { bundleName } from '../../report/bundles.ts';
import { safe } from '../../report/safe.ts';
import { table } from '../../report/table.ts';
import { count, when } from '../../report/units.ts';
import type { Policy, Verdict } from '../../vault/retention.ts';
import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { parseBundle, withVault } from '../open.ts';

interface Options extends KeyOptions {
  keepLast?: number;
  keepHourly?: number;
  keepDaily?: number;
  keepWeekly?: number;
  keepMonthly?: number;
  keepYearly?: number;
  keepWithin?: string;
  keepTag?: string[];
  evenTheLast?: boolean;
  dryRun?: boolean;
}

export async function run(context: Context, [name = '']: string[], options: Options): Promise<void> {
  const { vault: path, ref } = parseBundle(name, context.cwd);
  const { dryRun = false, evenTheLast = false } = options;
  const policy = policyOf(options);
  const one = path !== name;
  if (one && Object.keys(policy).length > 0) throw new BaluchonError('usage', 'one bundle, or rules for all: not both', { hint: `leave out @${ref} or the --keep options` });
  await withVault(context, path, options, async (vault) => {
    const { applyPolicy, projectOf } = await import('../../vault/index.ts');
    const bundles = await vault.list();
    let verdicts: Verdict[];
    if (one) {
      const { info } = await vault.open(ref);
      const left = bundles.filter((bundle) => bundle.id !== info.id && projectOf(bundle) === projectOf(info));
      if (left.length === 0 && !evenTheLast) throw new BaluchonError('usage', `${bundleName(info)} is the only bundle of ${info.source.project.name}@${info.source.cloud}`, { hint: '--even-the-last forgets it all the same' });
      verdicts = [{ bundle: info, keep: false, reasons: ['named'] }];
    } else verdicts = applyPolicy(bundles, policy, { evenTheLast });
    const going = verdicts.filter(({ keep }) => !keep);
    if (!dryRun) await vault.forget(going.map(({ bundle }) => bundle.id));
    context.view.result(
      {
        format: 'baluchon-forget/1',
        vault: vault.id,
        dry_run: dryRun,
        forgotten: going.length,
        kept: bundles.length - going.length,
        bundles: verdicts.map(({ bundle: { id, created, source, tags = [] }, keep, reasons }) => ({ id, created, cloud: source.cloud, project: source.project, tags, keep, reasons })),
      },
      (look) => {
        const rows = verdicts.map(({ bundle, keep, reasons }) => [
          keep ? { text: 'keep', tone: 'good' as const } : { text: dryRun ? 'would forget' : 'forgot', tone: 'warn' as const },
          { text: bundleName(bundle), tone: 'title' as const },
          when(bundle.created),
          `${bundle.source.project.name}@${bundle.source.cloud}`,
          reasons.join(', '),
        ]);
        const said = going.length === 0 ? 'Nothing to forget' : `${dryRun ? 'Would forget' : look.tone('good', 'Forgot')} ${count(going.length, 'bundle')}`;
        const next = going.length > 0 && !dryRun ? look.tone('faint', `What only they needed stays until: baluchon prune ${safe(path)}\n`) : '';
        return `${[...table([{}, {}, {}, {}, {}], rows, look), '', `${said}, ${bundles.length - going.length} kept.`].join('\n')}\n${next}`;
      },
    );
  });
}

function policyOf({ keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly, keepWithin, keepTag }: Options): Policy {
  const rules = { last: keepLast, hourly: keepHourly, daily: keepDaily, weekly: keepWeekly, monthly: keepMonthly, yearly: keepYearly, within: keepWithin, tags: keepTag };
  return Object.fromEntries(Object.entries(rules).filter(([, rule]) => rule !== undefined));
}
