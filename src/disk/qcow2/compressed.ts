import { promisify } from 'node:util';
import { constants, inflateRaw, inflateRawSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { release } from '../../memory.ts';

const inflate = promisify(inflateRaw);
const unzstd = promisify(zstdDecompress);

/** Handing a stream to another thread and back takes 100 µs of ours: more than expanding a smaller cluster than this. */
const worthAThread = 64 << 10;

/** More than QEMU's encoder asks for (2 MiB), and all that a damaged frame can make us allocate. */
const maxWindowLog = 23;

/**
 * Expands one compressed cluster into `cluster`. What follows its end in `bytes` is ignored: QEMU records its length in sectors only.
 * Rejects with any error where the bytes are no such stream, or give more or less than one cluster.
 */
export async function expand(bytes: Uint8Array, type: 'zlib' | 'zstd', cluster: Uint8Array): Promise<void> {
  // With one byte to spare zlib does not take new memory for more to come.
  const limits = { maxOutputLength: cluster.length, chunkSize: cluster.length + 1 };
  const here = cluster.length < worthAThread;
  let made: Uint8Array;
  if (type === 'zlib') {
    const options = { ...limits, finishFlush: constants.Z_SYNC_FLUSH };
    made = here ? inflateRawSync(bytes, options) : await inflate(bytes, options);
  } else {
    const options = { ...limits, params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog } };
    const frame = bytes.subarray(0, zstdFrameLength(bytes));
    made = here ? zstdDecompressSync(frame, options) : await unzstd(frame, options);
  }
  if (made.length !== cluster.length) throw new Error(`${made.length} bytes in place of ${cluster.length}`);
  cluster.set(made);
  // Not of the memory that Node shares out in small pieces.
  if (made.buffer.byteLength === limits.chunkSize) release(new Uint8Array(made.buffer));
}

/** Length in bytes of the zstd frame that begins the buffer (RFC 8878, 3.1.1): Node's decoder takes nothing behind it. */
export function zstdFrameLength(bytes: Uint8Array): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 6 || view.readUInt32LE(0) !== 0xfd2fb528) throw new Error('no zstd frame');
  const descriptor = view[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let at = 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + contentSize;
  for (let last = false; !last;) {
    if (at + 3 > view.length) throw new Error('a cut off zstd frame');
    const block = view.readUIntLE(at, 3);
    const repeated = ((block >> 1) & 3) === 1;
    last = (block & 1) === 1;
    at += 3 + (repeated ? 1 : block >> 3);
  }
  at += (descriptor & 4) === 0 ? 0 : 4;
  if (at > view.length) throw new Error('a cut off zstd frame');
  return at;
}
