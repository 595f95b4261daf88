import type { Look, Tone } from './look.ts';
import { safe } from './safe.ts';
import { clip, displayWidth, pad, wrap } from './width.ts';

export type Cell = string | { text: string; tone: Tone };

export interface Column {
  title?: string;
  align?: 'left' | 'right';
}

const NARROWEST = 20;

/**
 * Lines of aligned columns, two spaces apart; a line of titles when a column has one. Cells are made harmless, and the
 * last column is folded at the width of the look.
 */
export function table(columns: Column[], rows: Cell[][], look: Look, indent = ''): string[] {
  const text = (cell: Cell | undefined): string => safe(typeof cell === 'object' ? cell.text : (cell ?? ''));
  const all = columns.some((column) => column.title !== undefined)
    ? [columns.map((column): Cell => ({ text: column.title ?? '', tone: 'faint' })), ...rows]
    : rows;
  const last = columns.length - 1;
  const widths = fit(columns.map((_, at) => all.reduce((width, row) => Math.max(width, displayWidth(text(row[at]))), 0)), look.width - indent.length);
  const before = widths.slice(0, last).reduce((sum, width) => sum + (width > 0 ? width + 2 : 0), indent.length);
  const room = Math.max(NARROWEST, look.width - before);
  return all.flatMap((row) => {
    const paint = (at: number, shown: string): string => {
      const cell = row[at];
      return typeof cell === 'object' && shown.trim() !== '' ? look.tone(cell.tone, shown) : shown;
    };
    const start = widths.slice(0, last).map((width, at) => (width > 0 ? `${paint(at, pad(clip(text(row[at]), width), width, columns[at]?.align))}  ` : ''));
    const [first = '', ...more] = wrap(text(row[last]), room);
    const aligned = columns[last]?.align === 'right' ? pad(first, Math.min(widths[last] ?? 0, room), 'right') : first;
    return [`${indent}${start.join('')}${paint(last, aligned)}`.trimEnd(), ...more.map((line) => ' '.repeat(before) + paint(last, line))];
  });
}

/** Widths that leave the last column its least: the widest of the others give way. */
function fit(widths: number[], room: number): number[] {
  const last = widths.length - 1;
  const first = widths.slice(0, last);
  const least = Math.min(NARROWEST, widths[last] ?? 0);
  for (let over = first.reduce((sum, width) => sum + (width > 0 ? width + 2 : 0), least) - room; over > 0; over -= 1) {
    const widest = Math.max(...first);
    if (widest <= 6) break;
    first[first.indexOf(widest)] = widest - 1;
  }
  return [...first, widths[last] ?? 0];
}
