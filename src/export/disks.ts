import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud } from '../cloud/cloud.ts';
import { openImage } from '../disk/open.ts';
import { isError } from '../errors.ts';
import type { Emit } from '../events.ts';
import { isMissing, kindOf } from '../kinds/index.ts';
import type { Kind } from '../kinds/kind.ts';
import { resume, stop } from '../kinds/server-state.ts';
import type { Temporaries } from '../kinds/temporary.ts';
import type { DiskDocument, Document } from '../tenant/document.ts';
import type { BundleWriter } from '../vault/types.ts';
import { downloadImage } from './download.ts';
import type { Note } from './read.ts';
import { slots } from './slots.ts';
import type { ExportReport } from './types.ts';

export interface DiskWork {
  cloud: Cloud;
  documents: readonly Document[];
  writer: Pick<BundleWriter, 'addDisk'>;
  consistency: 'crash' | 'quiesce' | 'stop';
  scratch: string;
  /** Snapshots under way on the cloud at once, and images spooled at once. */
  captures: number;
  parallel: number;
  temporaries: Temporaries;
  emit: Emit;
  signal: AbortSignal;
  /** Ends what runs beside a disk after whose failure going on makes no sense. */
  fail(error: unknown): void;
}

type TakenDisk = ExportReport['disks'][number];

/** The documents whose bytes an export takes. */
export const withDisks = (documents: readonly Document[]): Document[] =>
  documents.filter((document) => !isMissing(document) && (kindOf(document.kind)?.hasDisk?.(document) ?? false));

/**
 * Takes every disk: the cloud makes an image of it, the image is spooled, read as a sparse disk into the vault, and all
 * that was made on the way is removed. The disks of one server are asked for together, so that little time lies between them.
 * A disk that can't be had is a note, not the end; a lost cloud, vault or session is the end.
 */
export async function takeDisks(work: DiskWork): Promise<{ disks: TakenDisk[]; notes: Note[] }> {
  const disks: TakenDisk[] = [];
  const notes: Note[] = [];
  const capturing = slots(work.captures);
  const spooling = slots(work.parallel);
  const outcomes = await Promise.allSettled(
    byServer(work.documents).map(async ({ server, members }) => {
      const quiet = await quieten(work, server, members.length, notes);
      const times: number[] = [];
      const taken = members.map(async (document) => {
        try {
          const disk = await takeDisk(work, document, { capturing, spooling, taken: quiet.oneTaken, stopped: quiet.stopped });
          disks.push(disk.report);
          notes.push(...disk.notes);
          times.push(disk.takenAt.getTime());
        } catch (error) {
          note(work, document, error, notes);
        }
      });
      // All of them, whatever becomes of one: nothing may still be at work when this is over.
      const ended = await Promise.allSettled(taken);
      await quiet.resumed;
      throwFirst(ended);
      const skew = Math.max(...times) - Math.min(...times);
      if (server && times.length > 1 && !quiet.stopped && skew >= 1000) {
        const reason = `its ${times.length} disks were taken within ${Math.round(skew / 1000)} s of each other while it ran`;
        notes.push({ id: server.id, kind: server.kind, name: server.name, attribute: 'consistency', verdict: 'degraded', reason });
      }
    }),
  );
  throwFirst(outcomes);
  return { disks, notes };
}

/** What a failed disk means: a note where it concerns this one alone, else the end of all. */
function note({ fail }: DiskWork, { id, kind, name }: Document, error: unknown, notes: Note[]): void {
  if (!isError(error, 'cloud', 'conflict', 'quota', 'not-found', 'forbidden')) {
    fail(error);
    throw error;
  }
  notes.push({ id, kind, name, attribute: 'disk', verdict: 'lost', reason: error.message });
}

function throwFirst(outcomes: readonly PromiseSettledResult<unknown>[]): void {
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Groups a server's root disk and attached volumes; what belongs to no server stands alone. */
function byServer(documents: readonly Document[]): { server?: Document; members: Document[] }[] {
  const disks = withDisks(documents);
  const free = new Map(disks.map((document) => [document.id, document]));
  const groups: { server?: Document; members: Document[] }[] = [];
  for (const server of documents.filter(({ kind }) => kind === 'server')) {
    const ids = [server.id, ...((server.params.volumes ?? []) as { volume: string }[]).map(({ volume }) => volume)];
    const members = ids.flatMap((id) => free.get(id) ?? []);
    for (const { id } of members) free.delete(id);
    if (members.length > 0) groups.push({ server, members });
  }
  return [...groups, ...[...free.values()].map((document) => ({ members: [document] }))];
}

interface Quiet {
  /** Nothing writes to its disks. */
  stopped: boolean;
  /** To be called once for each disk that is taken, or given up. */
  oneTaken(): void;
  /** Resolves once the server runs as before; never rejects. */
  resumed: Promise<void>;
}

/** With `--consistency stop`: the server is off until all of its disks are taken, and on again in every case. */
async function quieten(work: DiskWork, server: Document | undefined, disks: number, notes: Note[]): Promise<Quiet> {
  const { cloud, consistency, emit, signal } = work;
  if (consistency !== 'stop' || server?.info.status !== 'ACTIVE') return { stopped: server?.info.status === 'SHUTOFF', oneTaken: () => {}, resumed: Promise.resolve() };
  const nova = await cloud.service('compute');
  const cloudId = server.info.id as string;
  const { id, kind, name } = server;
  const step = `stop ${id}`;
  const start = async () => {
    try {
      await resume(nova, cloudId, name);
      emit({ type: 'end', id: step, what: `${name} runs again`, outcome: 'done' });
    } catch (error) {
      const reason = `it was stopped for its disks and does not start again: ${error instanceof Error ? error.message : String(error)}`;
      emit({ type: 'end', id: step, what: `${name} is stopped`, outcome: 'failed', detail: reason });
      emit({ type: 'warning', message: `server ${name}: ${reason}`, about: id });
      notes.push({ id, kind, name, attribute: 'running', verdict: 'degraded', reason });
    }
  };
  signal.throwIfAborted();
  emit({ type: 'start', id: step, what: `stopping ${name}` });
  try {
    await stop(nova, cloudId, name, signal);
  } catch (error) {
    await start();
    // As it could not be stopped, its disks are taken while it runs; an interruption shows when the first one begins.
    notes.push({ id, kind, name, attribute: 'consistency', verdict: 'degraded', reason: `it could not be stopped: ${error instanceof Error ? error.message : String(error)}` });
    return { stopped: false, oneTaken: () => {}, resumed: Promise.resolve() };
  }
  let left = disks;
  const { promise: allTaken, resolve } = Promise.withResolvers<void>();
  return { stopped: true, oneTaken: () => void (--left === 0 && resolve()), resumed: allTaken.then(start) };
}

type Slot = ReturnType<typeof slots>;

async function takeDisk(work: DiskWork, document: Document, { capturing, spooling, taken, stopped }: { capturing: Slot; spooling: Slot; taken: () => void; stopped: boolean }) {
  const { cloud, temporaries, emit, signal } = work;
  // What could not be stopped is not taken for stopped.
  const consistency = stopped ? 'stop' : work.consistency === 'stop' ? 'crash' : work.consistency;
  const kind = kindOf(document.kind) as Kind;
  const what = `${document.kind} ${document.name || document.id}`;
  const started = performance.now();
  let told = false;
  const once = () => {
    if (!told) taken();
    told = true;
  };
  emit({ type: 'start', id: document.id, what, unit: 'bytes' });
  try {
    const capture = await capturing(async () => {
      signal.throwIfAborted();
      return (kind.capture as NonNullable<Kind['capture']>)({ cloud, document, consistency, taken: once, temporaries, emit, signal });
    });
    try {
      const { result, format } = await spooling(() => spool(work, document, capture));
      emit({ type: 'end', id: document.id, what, outcome: 'done' });
      const notes: Note[] = (capture.notes ?? []).map((reason) => ({ id: document.id, kind: document.kind, name: document.name, attribute: 'disk', verdict: 'degraded', reason }));
      const seconds = (performance.now() - started) / 1000;
      return { report: { id: document.id, name: document.name, ...result, consistency: capture.consistency, format, seconds }, takenAt: capture.takenAt, notes };
    } finally {
      // What can't be removed now is tried again at the end.
      await capture.release().catch(() => {});
    }
  } catch (error) {
    emit({ type: 'end', id: document.id, what, outcome: 'failed', detail: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    // The group counts on one word from each, whatever happened.
    once();
  }
}

async function spool({ cloud, writer, scratch, emit, signal }: DiskWork, document: Document, capture: Awaited<ReturnType<NonNullable<Kind['capture']>>>) {
  const path = join(scratch, document.id);
  try {
    // Downloading and reading are two halves of one way.
    const report = (half: number) => (done: number, total: number | undefined) =>
      emit({ type: 'progress', id: document.id, done: Math.round(done / 2 + (half * (total ?? done)) / 2), total });
    const format = await downloadImage(cloud, capture.image, path, { signal, onProgress: report(0) });
    // Only these two are read as disks; the bytes of every other format are carried as they are.
    const disk = await openImage(path, format === 'qcow2' ? 'qcow2' : 'raw');
    try {
      const about: DiskDocument = {
        id: document.id,
        kind: document.kind as DiskDocument['kind'],
        name: document.name,
        size: disk.size,
        source_format: format,
        consistency: capture.consistency,
        taken_at: capture.takenAt.toISOString(),
        ...(capture.properties && { properties: capture.properties }),
      };
      const toVault = report(1);
      return { format, result: await writer.addDisk(disk, about, { signal, onProgress: (done) => toVault(done, disk.size) }) };
    } finally {
      await disk.close();
    }
  } finally {
    await rm(path, { force: true });
  }
}
