import type { ExportOptions } from '../../export/types.ts';
import { exportText } from '../../report/export.ts';
import type { Context } from '../context.ts';
import { DIFFERS } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { withCloud, withVault, type CloudOptions } from '../open.ts';

type Options = KeyOptions & CloudOptions & Pick<ExportOptions, 'only' | 'exclude' | 'disks' | 'consistency' | 'scratch' | 'parallel'>;

export async function run(context: Context, [name = '']: string[], options: Options): Promise<number> {
  const { only, exclude, disks, consistency, scratch, parallel } = options;
  const report = await withVault(context, name, options, (vault) =>
    withCloud(context, options, async (cloud) => {
      context.cleansUp(`temporary snapshots, volumes and images on ${cloud.name}`);
      const { exportTenant } = await import('../../export/index.ts');
      return exportTenant(cloud, vault, {
        ...(only && { only }),
        ...(exclude && { exclude }),
        ...(disks !== undefined && { disks }),
        ...(consistency && { consistency }),
        ...(scratch && { scratch }),
        ...(parallel && { parallel }),
        emit: context.emit,
        signal: context.signal,
      });
    }),
  );
  context.view.result(report, (look) => exportText(report, name, look));
  return report.notes.some((note) => note.verdict === 'lost') ? DIFFERS : 0;
}
