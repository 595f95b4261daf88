import type { Cloud } from '../cloud/cloud.ts';
import { checkSignal } from '../cloud/retry.ts';
import { BaluchonError, isError } from '../errors.ts';
import { silent } from '../events.ts';
import { openTemporaries } from '../kinds/temporary.ts';
import type { BundleWriter, Vault } from '../vault/types.ts';
import { takeDisks, withDisks } from './disks.ts';
import { filterDocuments } from './filter.ts';
import { readTenant } from './read.ts';
import { openScratch, type Scratch } from './scratch.ts';
import type { ExportOptions, ExportReport } from './types.ts';

export { findTemporaries, removeTemporary, type Temporary } from '../kinds/temporary.ts';
export { filterDocuments } from './filter.ts';
export { exportImages, type ImageFile, type ImagesOptions } from './images.ts';
export { readTenant, type Note, type Tenant } from './read.ts';
export type { ExportOptions, ExportReport } from './types.ts';

/**
 * Packs the project of `cloud` into a new bundle of `vault`. The bundle exists once all of it is written; whatever stops
 * this before, nothing is left on the cloud or in the scratch folder.
 * Errors: `auth`, `forbidden`, `cloud`, `network`, `quota`, `store`, `vault`, `interrupted`. A disk that can't be had is
 * no error but a note of the report.
 */
export async function exportTenant(cloud: Cloud, vault: Vault, options: ExportOptions = {}): Promise<ExportReport> {
  const { emit = silent, consistency = 'crash', parallel = 3 } = options;
  const started = performance.now();
  // One failure ends all: what runs beside it must not go on making snapshots.
  const controller = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal;
  const fail = (error: unknown) => controller.abort(error);
  const temporaries = openTemporaries(cloud, emit);
  let writer: BundleWriter | undefined;
  let scratch: Scratch | undefined;
  try {
    scratch = await openScratch(options.scratch);
    const tenant = await readTenant(cloud, { emit, signal });
    const documents = filterDocuments(tenant.documents, options);
    const here = new Set(documents.map(({ id }) => id));
    const notes = tenant.notes.filter(({ id }) => id === '' || here.has(id));
    const sizes = withDisks(documents).flatMap(({ kind, params }) => (kind === 'volume' ? (params.size as number) : []));
    const captures = options.disks === false ? 0 : await roomForCopies(cloud, sizes, parallel + 1);
    writer = await vault.begin();
    let disks: ExportReport['disks'] = [];
    if (options.disks !== false) {
      const taken = await takeDisks({ cloud, documents, writer, consistency, scratch: scratch.path, captures, parallel, temporaries, emit, signal, fail });
      disks = taken.disks;
      notes.push(...taken.notes);
    }
    checkSignal(signal);
    const bundle = await writer.commit({ source: tenant.source, documents, notes: { notes: notes.map((note) => ({ ...note })) }, ...(options.tags && { tags: options.tags }) });
    return { format: 'baluchon-export/1', bundle, disks, notes, seconds: (performance.now() - started) / 1000 };
  } catch (error) {
    await writer?.abort();
    if (options.signal?.aborted) throw new BaluchonError('interrupted', 'interrupted: no bundle was written', { cause: error });
    // The others were interrupted by the first that failed.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    await Promise.all([temporaries.removeAll(), scratch?.remove()]);
  }
}

/**
 * How many temporary copies of volumes of these sizes (GiB) at once the project's quota leaves room for, whichever they
 * are; where there is none for a single one, an error before anything is touched.
 */
async function roomForCopies(cloud: Cloud, sizes: readonly number[], wanted: number): Promise<number> {
  if (sizes.length === 0 || !cloud.has('volume')) return wanted;
  const { limits } = await (await cloud.service('volume')).get<{ limits: { absolute: Record<string, number> } }>('/limits').catch((error: unknown) => {
    if (isError(error, 'forbidden', 'not-found')) return { limits: { absolute: {} as Record<string, number> } };
    throw error;
  });
  const free = (max: string, used: string) => {
    const limit = limits.absolute[max] ?? -1;
    return limit < 0 ? Infinity : limit - (limits.absolute[used] ?? 0);
  };
  const [forVolumes, forSnapshots] = [free('maxTotalVolumes', 'totalVolumesUsed'), free('maxTotalSnapshots', 'totalSnapshotsUsed')];
  if (Math.min(forVolumes, forSnapshots) < 1) {
    const what = forVolumes < 1 ? 'volumes' : 'volume snapshots';
    throw new BaluchonError('quota', `the project's quota of ${what} has no room for one temporary copy`, {
      hint: `free one, ask the provider for more, or leave the volumes out with --exclude volume`,
    });
  }
  // A snapshot and the copy that is made of it count with the volume's size each. One too large for any room is told as lost.
  let room = free('maxTotalVolumeGigabytes', 'totalGigabytesUsed');
  const fitting = sizes.toSorted((a, b) => b - a).findIndex((size) => (room -= 2 * size) < 0);
  return Math.max(1, Math.min(wanted, forVolumes, forSnapshots, fitting < 0 ? Infinity : fitting));
}
