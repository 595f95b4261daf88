import type { Fidelity, ImportReport, Verdict } from '../import/types.ts';
import type { Document } from '../tenant/document.ts';
import type { Look, Tone } from './look.ts';
import { labels } from './names.ts';
import { safe } from './safe.ts';
import { table, type Cell } from './table.ts';
import { count, duration, noun } from './units.ts';

export const TONES: Record<Verdict, Tone> = { kept: 'good', mapped: 'link', degraded: 'warn', lost: 'bad', unknown: 'warn' };

/** How an import ended (`documents` are the bundle's, for labels of what has no name): what failed and why, counts per verdict, every line that is not "kept", and the address map. */
export function importText(report: ImportReport, look: Look, documents: readonly Document[] = []): string {
  const names = labels(documents);
  const failures = report.failed.map((line): Cell[] => [
    { text: 'failed', tone: 'bad' },
    `${noun(line.kind)} ${labelOf(line, names)}`,
    line.hint === undefined ? line.message : `${line.message} (${line.hint})`,
  ]);
  const blocked = report.blocked.map((line): Cell[] => [{ text: 'not done', tone: 'warn' }, `${noun(line.kind)} ${labelOf(line, names)}`, `needs ${line.by}`]);
  const left = report.failed.length + report.blocked.length;
  const end = left === 0
    ? `${look.tone('good', 'Done:')} ${count(report.created.length, 'resource')} created in ${duration(report.seconds)}.`
    : `${look.tone('bad', 'Not complete:')} ${count(report.created.length, 'resource')} created, ${left} not, in ${duration(report.seconds)}. The same command again goes on from here.`;
  const parts = [
    left > 0 ? [look.tone('title', 'not imported'), ...table([{}, {}, {}], [...failures, ...blocked], look, '  ')] : [],
    fidelityLines(report.fidelity, look, names),
    addressLines(report.addresses, look),
    [end],
  ];
  return `${parts.filter((part) => part.length > 0).map((part) => part.join('\n')).join('\n\n')}\n`;
}

/** Counts per verdict, then each line that is not "kept", with its reason. */
function fidelityLines(fidelity: readonly Fidelity[], look: Look, names: ReadonlyMap<string, string>): string[] {
  if (fidelity.length === 0) return [];
  const counts = (Object.keys(TONES) as Verdict[]).map((verdict) => {
    const number = fidelity.filter((line) => line.verdict === verdict).length;
    return number === 0 ? look.tone('faint', `0 ${verdict}`) : look.tone(TONES[verdict], `${number} ${verdict}`);
  });
  return [`${look.tone('title', 'fidelity')}  ${counts.join(', ')}`, ...lossesText(fidelity, look, names)];
}

/** Every line that is not "kept", worst first; the same thing said of several is said once, with their names. */
export function lossesText(fidelity: readonly Fidelity[], look: Look, known: ReadonlyMap<string, string> = new Map()): string[] {
  const worst: Verdict[] = ['lost', 'degraded', 'unknown', 'mapped'];
  const rows = worst.flatMap((verdict) => {
    const lines = fidelity.filter((line) => line.verdict === verdict);
    return [...Map.groupBy(lines, (line) => JSON.stringify([line.kind, line.attribute, change(line), line.reason])).values()].map((same): Cell[] => {
      const [line] = same as [Fidelity];
      const names = same.map((one) => labelOf(one, known));
      const what = same.length === 1 ? `${noun(line.kind)} ${names[0]}` : count(same.length, noun(line.kind));
      const said = [change(line), line.reason].filter((text) => text !== undefined && text !== '').join(', ');
      const text = `${what}${line.attribute === undefined ? '' : ` ${line.attribute}`}${said === '' ? '' : `: ${said}`}${same.length === 1 ? '' : ` (${names.join(', ')})`}`;
      return [{ text: verdict, tone: TONES[verdict] }, text];
    });
  });
  return table([{}, {}], rows, look, '  ');
}

const labelOf = ({ id, name }: { id: string; name: string }, names: ReadonlyMap<string, string>): string => names.get(id) ?? (name === '' ? id : name);

function change(line: Fidelity): string {
  if (line.to !== undefined) return line.from === undefined || line.from === line.name ? `-> ${line.to}` : `${line.from} -> ${line.to}`;
  return line.from ?? '';
}

function addressLines(addresses: ImportReport['addresses'], look: Look): string[] {
  if (addresses.length === 0) return [];
  const rows = addresses.map((line): Cell[] => [line.from, line.to === null ? { text: 'none', tone: 'warn' } : { text: line.to, tone: 'good' }, line.server]);
  return [`${look.tone('title', 'addresses')}  ${look.tone('faint', safe('point your DNS here'))}`, ...table([{ title: 'was' }, { title: 'is now' }, { title: 'leads to' }], rows, look, '  ')];
}
