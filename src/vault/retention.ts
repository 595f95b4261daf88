import { BaluchonError } from '../errors.ts';
import type { BundleInfo } from './types.ts';

/** What to keep; the rules add up. A count of Infinity keeps all of its kind. */
export interface Policy {
  last?: number;
  hourly?: number;
  daily?: number;
  weekly?: number;
  monthly?: number;
  yearly?: number;
  /** All that were made within this time before the project's newest: `36h`, `7d`, `2y5m7d3h`. */
  within?: string;
  /** All with one of these tags. */
  tags?: string[];
}

export interface Verdict {
  bundle: BundleInfo;
  keep: boolean;
  /** Why it is kept: `last`, `daily 2026-11-21`, `tag release`; or why not. */
  reasons: string[];
}

/** Hours are cut at the hour, weeks are those of ISO 8601; all of it in UTC, as bundles' times are. */
const periods: ['hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly', (created: string) => string][] = [
  ['hourly', (created) => created.slice(0, 13)],
  ['daily', (created) => created.slice(0, 10)],
  ['weekly', week],
  ['monthly', (created) => created.slice(0, 7)],
  ['yearly', (created) => created.slice(0, 4)],
];

/**
 * Decides which bundles go, as restic's forget does: of each period that has one the newest is kept, until the rule's count is used
 * up; while it is not, the very oldest stays too. Each project counts for itself (a project is its cloud, region and id), so that two tenants in one vault
 * do not push each other out. The newest of each project is kept whatever the rules say, unless `evenTheLast`.
 * @param bundles in any order
 * @returns a verdict on each, project by project, oldest first
 * @throws usage where no rule is given, or one can't be read
 */
export function applyPolicy(bundles: readonly BundleInfo[], policy: Policy, options: { evenTheLast?: boolean } = {}): Verdict[] {
  const { last, within, tags = [] } = policy;
  const rules = [last, ...periods.map(([name]) => policy[name])].filter((count) => count !== undefined);
  if (rules.length === 0 && within === undefined && tags.length === 0) {
    throw new BaluchonError('usage', 'nothing says which bundles to keep', { hint: 'give --keep-last, --keep-daily, --keep-within or another; --dry-run shows what would go' });
  }
  return [...Map.groupBy(bundles, projectOf)].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, group]) => decide(group, policy, options.evenTheLast === true));
}

/** Of which project a bundle is, as one string. */
export function projectOf({ source }: BundleInfo): string {
  return JSON.stringify([source.cloud, source.region ?? '', source.project.id]);
}

function decide(group: readonly BundleInfo[], policy: Policy, evenTheLast: boolean): Verdict[] {
  const newestFirst = group.toSorted((a, b) => (a.created === b.created ? (a.id < b.id ? 1 : -1) : a.created < b.created ? 1 : -1));
  const [newest] = newestFirst;
  const since = policy.within === undefined || !newest ? undefined : before(newest.created, policy.within);
  const left = new Map(periods.map(([name]) => [name, { count: policy[name] ?? 0, held: '' }]));
  const verdicts = newestFirst.map((bundle, at): Verdict => {
    const reasons: string[] = [];
    if (at < (policy.last ?? 0)) reasons.push('last');
    for (const [name, period] of periods) {
      const rule = left.get(name)!;
      const value = period(bundle.created);
      const oldest = at === newestFirst.length - 1;
      if (rule.count <= 0 || (value === rule.held && !oldest)) continue;
      reasons.push(value === rule.held ? `${name}, oldest` : `${name} ${value}`);
      rule.count -= 1;
      rule.held = value;
    }
    if (since !== undefined && bundle.created >= since) reasons.push(`within ${policy.within}`);
    for (const tag of policy.tags ?? []) if (bundle.tags?.includes(tag)) reasons.push(`tag ${tag}`);
    if (reasons.length === 0 && at === 0 && !evenTheLast) reasons.push('the newest of its project');
    return { bundle, keep: reasons.length > 0, reasons: reasons.length > 0 ? reasons : ['no rule keeps it'] };
  });
  return verdicts.toReversed();
}

/** `2026-W47` */
function week(created: string): string {
  const date = new Date(`${created.slice(0, 10)}T00:00:00Z`);
  // The week belongs to the year that its Thursday is in.
  date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const first = Date.UTC(date.getUTCFullYear(), 0, 1);
  return `${date.getUTCFullYear()}-W${String(Math.ceil(((date.getTime() - first) / 86_400_000 + 1) / 7)).padStart(2, '0')}`;
}

/** The time so long before another; both RFC 3339 in whole seconds. */
function before(created: string, duration: string): string {
  const parts = /^(?=[0-9])(?:([0-9]{1,4})y)?(?:([0-9]{1,5})m)?(?:([0-9]{1,6})d)?(?:([0-9]{1,7})h)?$/.exec(duration);
  if (!parts) throw new BaluchonError('usage', `not a length of time: ${duration}`, { hint: 'years, months, days and hours, as in 36h, 7d, 1y6m or 2y5m7d3h' });
  const [years, months, days, hours] = parts.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number];
  const date = new Date(created);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCFullYear(date.getUTCFullYear() - years, date.getUTCMonth() - months);
  // A month before the 31st is the last day of a month that is shorter.
  date.setUTCDate(Math.min(day, new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()));
  const at = date.getTime() - (days * 24 + hours) * 3_600_000;
  return Number.isNaN(at) ? '' : new Date(at).toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
