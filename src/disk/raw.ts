import { BaluchonError } from '../errors.ts';
import type { Disk, Extent } from './disk.ts';
import { checkRange, openImageFile, readUpTo } from './file.ts';
import { storedRanges } from './holes.ts';

/** Below this much of holes, looking for them costs more than reading them. */
const worthLooking = 1 << 20;

/**
 * A raw image file. Its extents are what the file system has stored where that can be found out (see holes.ts), else
 * the whole file: whoever reads them checks for zeros anyway.
 * Throws `usage` when the file can't be opened, `cloud` when it shrinks while it is read.
 */
export async function openRaw(path: string): Promise<Disk> {
  const file = await openImageFile(path);
  const { size } = file;
  return {
    size,
    fd: file.handle.fd,
    async *extents(): AsyncIterable<Extent> {
      const { blocks } = await file.handle.stat();
      let known = 0;
      if (size - blocks * 512 >= worthLooking) {
        const ranges = storedRanges(file);
        try {
          for (;;) {
            const { done, value } = await ranges.next();
            if (done) {
              if (value) return;
              break;
            }
            yield value;
            known = value.offset + value.length;
          }
        } finally {
          await ranges.return(false);
        }
      }
      if (known < size) yield { offset: known, length: size - known };
    },
    async read(offset: number, into: Uint8Array): Promise<void> {
      checkRange(path, size, offset, into.length);
      const done = await readUpTo(file, offset, into);
      if (done < into.length) throw new BaluchonError('cloud', `damaged disk image ${path}: it ended at byte ${offset + done} of ${size}`, { hint: 'something shortened it meanwhile: take it again' });
    },
    close: () => file.handle.close(),
  };
}
