import type { ExportReport } from '../export/types.ts';
import { bundleName, contents } from './bundles.ts';
import { lossesText } from './fidelity.ts';
import type { Look } from './look.ts';
import { safe } from './safe.ts';
import { table } from './table.ts';
import { bytes, duration } from './units.ts';
import { wrap } from './width.ts';

/** What an export took, disk by disk, what is not in the bundle and why, and the bundle's name. */
export function exportText(report: ExportReport, vault: string, look: Look): string {
  const { bundle, disks, notes } = report;
  const rows = disks.map((disk) => [disk.name, bytes(disk.size), bytes(disk.data), bytes(disk.new_bytes), bytes(disk.stored_bytes), duration(disk.seconds), { text: disk.consistency, tone: 'faint' as const }]);
  const right = { align: 'right' as const };
  const columns = [{ title: 'disk' }, { title: 'size', ...right }, { title: 'data', ...right }, { title: 'new', ...right }, { title: 'stored', ...right }, { title: 'time', ...right }, { title: 'as' }];
  const name = `${safe(vault)}@${bundleName(bundle)}`;
  const parts = [
    disks.length > 0 ? [look.tone('title', 'disks'), ...table(columns, rows, look, '  ')] : [],
    notes.length > 0 ? [look.tone('title', 'not in the bundle as it is on the cloud'), ...lossesText(notes, look)] : [],
    [
      `${look.tone('good', 'Packed')} ${look.tone('title', safe(`${bundle.source.project.name} from ${bundle.source.cloud}`))} into ${look.tone('title', name)} in ${duration(report.seconds)}:`,
      ...wrap(`${contents(bundle.counts)}; ${bytes(bundle.disk_bytes)} of disks, ${bytes(bundle.added_bytes)} added to the vault.`, look.width),
    ],
  ];
  return `${parts.filter((part) => part.length > 0).map((part) => part.join('\n')).join('\n\n')}\n`;
}
