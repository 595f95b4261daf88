import { BaluchonError } from '../errors.ts';
import type { Disk, Extent } from './disk.ts';
import { mergeExtents } from './extents.ts';
import { checkRange, openImageFile, readUpTo } from './file.ts';
import type { ImageFormat } from './open.ts';
import { examine, qemuImg } from './qemu-img.ts';

/** An entry of `qemu-img map --output=json`; `offset` is told where the bytes lie in the file as they are. */
interface Mapped {
  start: number;
  length: number;
  depth: number;
  zero: boolean;
  data: boolean;
  offset?: number;
}

/** A map of more entries than this would fill the memory. */
const most = 1_000_000;

/**
 * An image of another format, read where it lies: vdi, and vmdk and vhd with all their bytes in one file, not compressed. qemu-img tells
 * where each part is; nothing is converted. Memory: some 50 bytes for each part, up to a million of them.
 * Undefined where it does not tell (streamOptimized vmdk, vhdx): see convertToRaw. @throws as `examine` does, and `cloud` when the file shrinks while it is read.
 */
export async function openInPlace(path: string, format: ImageFormat, signal?: AbortSignal): Promise<Disk | undefined> {
  const { driver, alone } = await examine(path, format, signal);
  if (!alone) return undefined;
  const parts: { start: number; end: number; host: number }[] = [];
  let size = 0;
  // A line each, so that a long map needs no more memory than what is kept of it.
  let rest = '';
  let told = true;
  const line = (text: string): void => {
    const entry = /^[[ ]*(\{.*\})[,\] ]*$/.exec(text)?.[1];
    if (entry === undefined || !told) return;
    const { start, length, depth, zero, data, offset } = JSON.parse(entry) as Mapped;
    size = start + length;
    if (zero || !data) return;
    if (depth !== 0 || offset === undefined || parts.length === most) told = false;
    else parts.push({ start, end: start + length, host: offset });
  };
  await qemuImg(path, format, ['map', '--output=json', '-f', driver, path], {
    signal,
    onOutput(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const each of lines) line(each);
    },
  });
  line(rest);
  if (!told) return undefined;

  const file = await openImageFile(path);
  /** The first part that ends behind `offset`. */
  const find = (offset: number): number => {
    let [low, high] = [0, parts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (parts[middle]!.end <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  async function* ranges(): AsyncGenerator<Extent> {
    for (const { start, end } of parts) yield { offset: start, length: end - start };
  }
  return {
    size,
    extents: () => mergeExtents(ranges()),
    async read(offset, into) {
      checkRange(path, size, offset, into.length);
      into.fill(0);
      const end = offset + into.length;
      for (let at = find(offset); at < parts.length && parts[at]!.start < end; at++) {
        const part = parts[at]!;
        const [from, to] = [Math.max(offset, part.start), Math.min(end, part.end)];
        const done = await readUpTo(file, part.host + from - part.start, into.subarray(from - offset, to - offset));
        if (done < to - from) throw new BaluchonError('cloud', `damaged disk image ${path}: it ended at byte ${part.host + from - part.start + done}`, { hint: 'something shortened it meanwhile: take it again' });
      }
    },
    close: () => file.handle.close(),
  };
}
