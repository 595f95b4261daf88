import type { Action, ActionType, Plan, QuotaLine } from '../import/types.ts';
import type { Document } from '../tenant/document.ts';
import { lossesText } from './fidelity.ts';
import type { Look, Tone } from './look.ts';
import { labels } from './names.ts';
import { safe } from './safe.ts';
import { table, type Cell } from './table.ts';
import { bytes, duration, noun, when } from './units.ts';
import { wrap } from './width.ts';

/** What stands before an action, and how it is counted in the last line. */
export const RUNES: Record<ActionType, { rune: string; tone: Tone; counted: string }> = {
  create: { rune: '+', tone: 'good', counted: 'to create' },
  update: { rune: '~', tone: 'warn', counted: 'to update' },
  map: { rune: '>', tone: 'link', counted: 'mapped' },
  reuse: { rune: '=', tone: 'faint', counted: 'reused' },
  skip: { rune: '-', tone: 'faint', counted: 'skipped' },
  manual: { rune: '?', tone: 'warn', counted: 'to do by hand' },
  conflict: { rune: '!', tone: 'bad', counted: 'in conflict' },
};

/** A plan for a person (`documents` are the bundle's, for labels of what has no name): actions by kind with their reasons, what will not be as it was, quota, size, warnings, and one line that counts. */
export function planText(plan: Plan, look: Look, documents: readonly Document[] = []): string {
  const names = labels(documents);
  const from = `${plan.bundle.project} from ${plan.bundle.cloud}, ${when(plan.bundle.created)} UTC`;
  const to = `${plan.target.cloud}${plan.target.region === undefined ? '' : ` (${plan.target.region})`}, project ${plan.target.project.name}`;
  const losses = lossesText(plan.fidelity, look, names);
  const parts = [
    [`${look.tone('title', safe(from))}  ->  ${look.tone('title', safe(to))}`],
    actionLines(plan.actions, names, look),
    losses.length > 0 ? [look.tone('title', 'will not be as it was'), ...losses] : [],
    plan.quota.length > 0 ? [look.tone('title', 'quota'), ...quotaLines(plan.quota, look)] : [],
    plan.bytes > 0 ? [`${look.tone('title', 'disks')}  ${bytes(plan.bytes)} to send, about ${duration(plan.seconds)}`] : [],
    plan.warnings.flatMap((warning) => wrap(safe(warning), look.width - 11).map((line, at) => (at === 0 ? `  ${look.tone('warn', 'warning:')} ${line}` : `           ${line}`))),
    [summary(plan, look)],
  ];
  return `${parts.filter((part) => part.length > 0).map((part) => part.join('\n')).join('\n\n')}\n`;
}

/** `Plan: 23 to create, 4 mapped.`, folded between the counts. */
function summary(plan: Plan, look: Look): string {
  const counts = (Object.keys(RUNES) as ActionType[]).flatMap((type) => {
    const number = plan.actions.filter((action) => action.action === type).length;
    return number === 0 ? [] : [{ text: `${number} ${RUNES[type].counted}`, tone: RUNES[type].tone }];
  });
  if (counts.length === 0) return `${look.tone('title', 'Plan:')} nothing to do.`;
  let line = look.tone('title', 'Plan:');
  let used = 5;
  for (const [at, { text, tone }] of counts.entries()) {
    const end = at === counts.length - 1 ? '.' : ',';
    const folded = used + text.length + 2 > look.width;
    line += `${folded ? '\n      ' : ' '}${look.tone(tone, text)}${end}`;
    used = (folded ? 5 : used) + text.length + 2;
  }
  return line;
}

function actionLines(actions: readonly Action[], known: ReadonlyMap<string, string>, look: Look): string[] {
  const names = known.size > 0 ? known : labels(actions.map((action) => ({ ...action, params: {}, refs: {}, info: {} })));
  const grouped = [...Map.groupBy(actions, (action) => action.kind).values()].flat();
  const rows = grouped.flatMap((action) => {
    const { rune, tone } = RUNES[action.action];
    const name = names.get(action.id) ?? action.name;
    const target = action.target !== undefined && action.target.name !== action.name ? `-> ${action.target.name === '' ? action.target.id : action.target.name}` : '';
    const said = [target, action.reason].filter((text) => text !== '').join(': ');
    return [
      [{ text: rune, tone }, { text: noun(action.kind), tone: 'faint' as const }, { text: name, tone: action.action === 'create' ? tone : 'link' }, { text: said, tone: action.action === 'conflict' ? tone : 'faint' }],
      ...(action.changes ?? []).map((change) => ['', '', '', change]),
    ] satisfies Cell[][];
  });
  return table([{}, {}, {}, {}], rows, look, '  ');
}

const amount = (value: number, unit: string | undefined): string => (value < 0 ? 'unlimited' : `${value.toLocaleString('en')}${unit === undefined ? '' : ` ${unit}`}`);

/** Needed and free per resource; those that don't fit say so. */
export function quotaLines(quota: readonly QuotaLine[], look: Look): string[] {
  const rows = quota.map((line) => [
    line.resource.replaceAll('_', ' '),
    amount(line.needed, line.unit),
    amount(line.free, line.unit),
    line.fits ? { text: 'fits', tone: 'good' as const } : { text: 'does not fit', tone: 'bad' as const },
  ]);
  return table([{ title: 'resource' }, { title: 'needed', align: 'right' }, { title: 'free', align: 'right' }, { title: '' }], rows, look, '  ');
}
