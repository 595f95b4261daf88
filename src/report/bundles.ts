import type { BundleInfo } from '../vault/types.ts';
import type { Look } from './look.ts';
import { table } from './table.ts';
import { bytes, count, noun, when } from './units.ts';

/** Digits of a bundle's id that people see and type. */
export function bundleName(info: { id: string }): string {
  return info.id.slice(0, 8);
}

/** The bundles of a vault, as a table; newest last. */
export function bundlesText(bundles: readonly BundleInfo[], look: Look): string {
  if (bundles.length === 0) return 'No bundle yet.\n';
  const tagged = bundles.some((info) => info.tags !== undefined);
  const rows = bundles.map((info) => [
    { text: bundleName(info), tone: 'title' as const },
    when(info.created),
    `${info.source.project.name}@${info.source.cloud}`,
    bytes(info.disk_bytes),
    bytes(info.added_bytes),
    ...(tagged ? [(info.tags ?? []).join(', ')] : []),
    { text: contents(info.counts), tone: 'faint' as const },
  ]);
  const columns = [
    { title: 'bundle' },
    { title: 'taken (UTC)' },
    { title: 'project@cloud' },
    { title: 'disks', align: 'right' as const },
    { title: 'added', align: 'right' as const },
    ...(tagged ? [{ title: 'tags' }] : []),
    { title: 'holds' },
  ];
  const added = bundles.reduce((sum, info) => sum + info.added_bytes, 0);
  return `${[...table(columns, rows, look), '', `${count(bundles.length, 'bundle')}, ${bytes(added)} added in all.`].join('\n')}\n`;
}

// What people count first, first.
const FIRST = ['server', 'volume', 'image', 'network'];

const place = (kind: string): number => (FIRST.includes(kind) ? FIRST.indexOf(kind) : FIRST.length);

/** `5 servers, 2 volumes, 1 network`. */
export function contents(counts: { [kind: string]: number }): string {
  return Object.entries(counts)
    .filter(([, number]) => number > 0)
    .sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b))
    .map(([kind, number]) => count(number, noun(kind)))
    .join(', ');
}
