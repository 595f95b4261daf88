import { rm, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { bootOf } from '../disk/boot.ts';
import { convertToRaw } from '../disk/convert.ts';
import type { Disk } from '../disk/disk.ts';
import { openInPlace } from '../disk/in-place.ts';
import { imageFormat, openImage, type ImageFormat } from '../disk/open.ts';
import { BaluchonError, isError } from '../errors.ts';
import { silent, type Emit } from '../events.ts';
import type { Document, JsonObject } from '../tenant/document.ts';
import { documentId } from '../tenant/identity.ts';
import type { BundleWriter, Source, Vault } from '../vault/types.ts';
import { openScratch } from './scratch.ts';
import { slots } from './slots.ts';
import type { ExportReport } from './types.ts';

/** An image file, and what its volume will be called. */
export interface ImageFile {
  name: string;
  path: string;
}

export interface ImagesOptions {
  /** Where images that can't be read in place are converted, one after the other; default: the system's temporary folder. */
  scratch?: string;
  /** Words by which people find and keep the bundle. */
  tags?: string[];
  /** Images read at once; default 2. */
  parallel?: number;
  emit?: Emit;
  signal?: AbortSignal;
}

interface Work {
  writer: BundleWriter;
  scratch: string;
  emit: Emit;
  signal: AbortSignal;
}

const gib = 2 ** 30;

/** Files that hold images and are none: what they are called, how they begin, what to do. */
const wrapped: { endings: string[]; magic: string; hint: (file: string) => string }[] = [
  { endings: ['.gz', '.tgz'], magic: '1f8b', hint: (file) => `unpack it first: gunzip -k ${file}` },
  { endings: ['.xz'], magic: 'fd377a585a00', hint: (file) => `unpack it first: unxz -k ${file}` },
  { endings: ['.zst'], magic: '28b52ffd', hint: (file) => `unpack it first: unzstd ${file}` },
  { endings: ['.bz2'], magic: '425a68', hint: (file) => `unpack it first: bunzip2 -k ${file}` },
  { endings: ['.zip'], magic: '504b0304', hint: (file) => `unpack it first: unzip ${file}` },
  { endings: ['.ova', '.tar'], magic: '', hint: (file) => `it is a tar: unpack it with tar -xf ${file}, then name the disk images in it` },
];

/** What a bundle of image files says of where it came from. */
const source: Source = { cloud: 'file', project: { id: '', name: 'disks' }, services: {} };

/**
 * Packs image files into a new bundle, each as a volume of that name, of as many GiB as hold it. Raw and qcow2 are read as
 * they are, vmdk, vdi, vhdx and the like with the help of qemu-img: in place where it can tell what lies where, else converted first. The same name is the same volume in every bundle.
 * @throws usage for a file that can't be read, that is damaged or that changes meanwhile, and for names that are equal; store, vault, interrupted.
 */
export async function exportImages(images: readonly ImageFile[], vault: Vault, options: ImagesOptions = {}): Promise<ExportReport> {
  const { emit = silent, parallel = 2, signal } = options;
  const started = performance.now();
  const files: (ImageFile & { format: ImageFormat })[] = [];
  for (const { name, path } of images) {
    if (name === '') throw new BaluchonError('usage', `the disk ${path} has no name`, { hint: 'write it as NAME=FILE' });
    if (files.some((other) => other.name === name)) throw new BaluchonError('usage', `two disks are called ${name}`, { hint: 'the same name is the same volume in every bundle' });
    const format = await imageFormat(path);
    if (format === 'raw') await requireBare(path);
    files.push({ name, path, format });
  }
  const writer = await vault.begin();
  const scratch = await openScratch(options.scratch);
  try {
    const failed = new AbortController();
    const work: Work = { writer, scratch: scratch.path, emit, signal: AbortSignal.any([failed.signal, ...(signal ? [signal] : [])]) };
    const inPlace = slots(parallel);
    // What is converted takes room in the scratch folder: one at a time.
    const converted = slots(1);
    const taken = files.map((file) =>
      (file.format === 'raw' || file.format === 'qcow2' ? inPlace : converted)(() => takeImage(work, file)).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
    // None may still be at work when this is over.
    await Promise.allSettled(taken);
    if (failed.signal.aborted) throw failed.signal.reason;
    const images = await Promise.all(taken);
    const bundle = await writer.commit({ source, documents: images.map(({ document }) => document), ...(options.tags && { tags: options.tags }) });
    return { format: 'baluchon-export/1', bundle, disks: images.map(({ disk }) => disk), notes: [], seconds: (performance.now() - started) / 1000 };
  } catch (error) {
    await writer.abort();
    throw signal?.aborted ? new BaluchonError('interrupted', 'interrupted: no bundle was written', { cause: error }) : error;
  } finally {
    await scratch.remove();
  }
}

async function takeImage(work: Work, { name, path, format }: ImageFile & { format: ImageFormat }): Promise<{ document: Document; disk: ExportReport['disks'][number] }> {
  const { writer, emit, signal } = work;
  signal.throwIfAborted();
  const started = performance.now();
  const id = documentId('volume', `file\0${name}`);
  const what = `disk ${name}`;
  emit({ type: 'start', id, what, unit: 'bytes' });
  let outcome: 'done' | 'failed' = 'failed';
  try {
    const before = await stateOf(path);
    const takenAt = new Date();
    const { disk, release } = await openAny(work, path, format, id);
    try {
      if (disk.size === 0) throw new BaluchonError('usage', `disk image ${path} is empty`);
      const boot = await bootOf(disk);
      const about = { id, kind: 'volume' as const, name, size: disk.size, source_format: format, consistency: 'stopped' as const, taken_at: takenAt.toISOString() };
      const result = await writer.addDisk(disk, about, { signal, onProgress: (done) => emit({ type: 'progress', id, done, total: disk.size }) });
      if ((await stateOf(path)) !== before) {
        throw new BaluchonError('usage', `disk image ${path} changed while it was read`, { hint: 'shut the machine down that uses it, or take a copy of a snapshot' });
      }
      outcome = 'done';
      const seconds = (performance.now() - started) / 1000;
      return { document: volumeOf(id, name, basename(path), format, disk.size, boot), disk: { id, name, ...result, consistency: about.consistency, format, seconds } };
    } finally {
      await release();
    }
  } catch (error) {
    // What a cloud would be blamed for is here a matter of the file.
    throw isError(error, 'cloud', 'quota') ? new BaluchonError('usage', error.message, { cause: error, ...(error.hint !== undefined && { hint: error.hint }) }) : error;
  } finally {
    emit({ type: 'end', id, what, outcome });
  }
}

/** The image as a disk; `release` closes it and removes what was made for it. */
async function openAny({ scratch, emit, signal }: Work, path: string, format: ImageFormat, id: string): Promise<{ disk: Disk; release(): Promise<void> }> {
  if (format === 'raw' || format === 'qcow2') {
    const disk = await openImage(path, format);
    return { disk, release: () => disk.close() };
  }
  const raw = join(scratch, id);
  const remove = () => rm(raw, { force: true });
  try {
    const there = await openInPlace(path, format, signal);
    if (there) return { disk: there, release: () => there.close() };
    emit({ type: 'debug', message: `${path}: ${format}, converted by qemu-img` });
    await convertToRaw(resolve(path), format, raw, { signal, onProgress: (done) => emit({ type: 'progress', id, done, total: 200 }) });
    const disk = await openImage(raw, 'raw');
    return { disk, release: () => disk.close().then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

function volumeOf(id: string, name: string, file: string, format: ImageFormat, size: number, { bootable, because, uefiOnly }: Awaited<ReturnType<typeof bootOf>>): Document {
  const params: JsonObject = {
    name,
    description: '',
    size: Math.max(1, Math.ceil(size / gib)),
    volume_type: null,
    availability_zone: null,
    bootable,
    multiattach: false,
    encrypted: false,
    metadata: {},
    image_metadata: uefiOnly ? { hw_firmware_type: 'uefi' } : {},
  };
  return { kind: 'volume', id, name, params, refs: {}, info: { file, format, bytes: size, bootable_because: because } };
}

/** What would be packed as a raw disk and is an archive, by its name and its first bytes. @throws usage */
async function requireBare(path: string): Promise<void> {
  const found = wrapped.find(({ endings }) => endings.includes(extname(path).toLowerCase()));
  if (found === undefined) return;
  const disk = await openImage(path, 'raw');
  try {
    const head = Buffer.alloc(Math.min(6, disk.size));
    await disk.read(0, head);
    if (head.toString('hex').startsWith(found.magic)) throw new BaluchonError('usage', `${path} is no disk image but an archive`, { hint: found.hint(path) });
  } finally {
    await disk.close();
  }
}

/** Differs when somebody wrote to the file. */
async function stateOf(path: string): Promise<string> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}
