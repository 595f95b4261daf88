import { resolve } from 'node:path';
import { BaluchonError } from '../../errors.ts';
import type { ExportOptions, ExportReport } from '../../export/types.ts';
import { exportText } from '../../report/export.ts';
import type { Context } from '../context.ts';
import { DIFFERS } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { withCloud, withVault, type CloudOptions, type PlaceOptions } from '../open.ts';

type Options = KeyOptions & CloudOptions & PlaceOptions & Pick<ExportOptions, 'only' | 'exclude' | 'disks' | 'consistency' | 'scratch' | 'parallel'> & { disk?: string[]; tag?: string[] };

export async function run(context: Context, [name = '']: string[], options: Options): Promise<number> {
  const report = options.disk === undefined ? await exportCloud(context, name, options) : await exportFiles(context, name, options.disk, options);
  context.view.result(report, (look) => exportText(report, name, look));
  return report.notes.some((note) => note.verdict === 'lost') ? DIFFERS : 0;
}

async function exportCloud(context: Context, name: string, options: Options): Promise<ExportReport> {
  const { only, exclude, disks, consistency, scratch, parallel, tag } = options;
  return withVault(context, name, options, (vault) =>
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
        ...(tag && { tags: tag }),
        emit: context.emit,
        signal: context.signal,
      });
    }),
  );
}

async function exportFiles(context: Context, name: string, disks: string[], options: Options): Promise<ExportReport> {
  const { osCloud, openrc, only, exclude, scratch, parallel, tag } = options;
  const others = { '--os-cloud': osCloud, '--openrc': openrc, '--only': only, '--exclude': exclude, '--no-disks': options.disks === false || undefined, '--consistency': options.consistency === 'crash' ? undefined : options.consistency };
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined) throw new BaluchonError('usage', `--disk makes a bundle of image files: ${other} has no place beside it`, { hint: 'make two bundles: one of the cloud, one of the files' });
  const images = disks.map((text) => {
    const at = text.indexOf('=');
    if (at <= 0 || at === text.length - 1) throw new BaluchonError('usage', `--disk ${text} is not NAME=FILE`, { hint: 'NAME is what the volume will be called' });
    return { name: text.slice(0, at), path: resolve(context.cwd, text.slice(at + 1)) };
  });
  return withVault(context, name, options, async (vault) => {
    const { exportImages } = await import('../../export/index.ts');
    return exportImages(images, vault, { ...(scratch && { scratch }), ...(parallel && { parallel }), ...(tag && { tags: tag }), emit: context.emit, signal: context.signal });
  });
}
