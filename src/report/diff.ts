import type { Difference } from '../tenant/diff.ts';
import type { Document, Json } from '../tenant/document.ts';
import type { Look } from './look.ts';
import { labels } from './names.ts';
import { safe } from './safe.ts';
import { table } from './table.ts';
import { bytes, noun } from './units.ts';

export interface Sides {
  left: string;
  right: string;
  /** Of both sides, for labels of what has no name. */
  documents?: readonly Document[];
}

/** What differs, resource by resource, attribute by attribute: `-` only left, `+` only right, `~` on both and different. */
export function diffText(differences: readonly Difference[], sides: Sides, look: Look): string {
  if (differences.length === 0) return `No difference between ${safe(sides.left)} and ${safe(sides.right)}.\n`;
  const names = labels(sides.documents ?? []);
  const label = ({ name, left, right }: Difference): string => names.get(left ?? right ?? '') ?? (name === '' ? '(no name)' : name);
  const resources = [...Map.groupBy(differences, (difference) => `${difference.kind}\0${difference.left ?? ''}\0${difference.right ?? ''}`).values()];
  const lines = resources.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const title = safe(`${noun(first.kind)} ${label(first)}`);
    if (first.right === undefined) return [look.tone('bad', `- ${title}`)];
    if (first.left === undefined) return [look.tone('good', `+ ${title}`)];
    return [look.tone('warn', `~ ${title}`), ...attributes(group, look)];
  });
  const only = (side: 'left' | 'right'): number => resources.filter(([first]) => first?.[side] === undefined).length;
  const counts = [
    [resources.length - only('left') - only('right'), 'different'],
    [only('right'), `only in ${safe(sides.left)}`],
    [only('left'), `only in ${safe(sides.right)}`],
  ] as const;
  const said = counts.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`])).join(', ');
  return `${lines.join('\n')}\n\n${look.tone('title', 'Differences:')} ${said}.\n`;
}

function attributes(group: readonly Difference[], look: Look): string[] {
  const rows = group.map((difference) => [
    { text: difference.attribute ?? '', tone: 'faint' as const },
    difference.attribute === 'disk' ? disk(difference) : `${value(difference.from)} -> ${value(difference.to)}`,
  ]);
  return table([{}, {}], rows, look, '    ');
}

function disk({ from, to, changed }: Difference): string {
  if (from === null || to === null) return `its bytes are only ${from === null ? 'on the right' : 'on the left'}`;
  return changed === undefined ? 'other bytes' : `${bytes(changed.bytes)} of ${bytes(changed.size)} differ`;
}

function value(json: Json | undefined): string {
  return json === undefined ? 'nothing' : JSON.stringify(json);
}
