import type { Disk } from './disk.ts';

/** All of a disk's bytes in order, zeros included, in parts of at most `granule` bytes; one part in memory at a time. */
export async function* rawBytes(disk: Disk, granule = 1 << 20): AsyncIterable<Uint8Array> {
  for (let offset = 0; offset < disk.size; offset += granule) {
    const part = new Uint8Array(Math.min(granule, disk.size - offset));
    await disk.read(offset, part);
    yield part;
  }
}
