import { promisify } from 'node:util';
import { constants, createZstdDecompress, zstdCompress, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import type { Transform } from 'node:stream';
import { release } from '../memory.ts';
import { gate } from './queue.ts';

const compressing = promisify(zstdCompress);
const decompressing = promisify(zstdDecompress);

/** One zstd frame, level 3. Never set ZSTD_c_nbWorkers: Node then cuts the output short. */
export async function zstd(plain: Uint8Array): Promise<Buffer> {
  return compressing(plain, {
    chunkSize: plain.length + 1024,
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_contentSizeFlag]: 1 },
    pledgedSrcSize: plain.length,
  });
}

/** At most `limit` bytes: a frame that would grow beyond is refused, so that no file can fill the memory. */
export async function decompress(packed: Uint8Array, limit: number): Promise<Buffer> {
  const size = frameSize(packed) ?? limit;
  // To have another thread do it takes longer than to do so little.
  if (size <= Math.min(limit, 1 << 16)) return zstdDecompressSync(packed, { chunkSize: size + 1024, maxOutputLength: size + 1024 });
  return decompressing(packed, { chunkSize: Math.min(limit, size, 1 << 20) + 1024, maxOutputLength: limit + 1024 });
}

/** Makes a chunk of one frame. */
export type Codec = (frame: Uint8Array) => Promise<Buffer>;

/** zstd's contexts under way at once: as many as libuv has threads. */
const lanes = 4;

/** Opens zstd frames of up to `limit` bytes. @throws where the bytes are not one frame that says how large its contents are, and keeps to it. */
export function decompressor(limit: number): Codec {
  const known = pooled(() => streamed(createZstdDecompress({ chunkSize: limit })));
  return async (frame) => {
    const size = frameSize(frame);
    if (size === undefined) return decompress(frame, limit);
    if (size > limit) throw new Error('the frame is larger than a chunk may be');
    return known(frame);
  };
}

/** What is made of one frame is used for the next. */
function pooled(make: () => Codec): Codec {
  const { enter, leave } = gate(lanes);
  const idle: Codec[] = [];
  return async (bytes) => {
    await enter();
    try {
      const codec = idle.pop() ?? make();
      const result = await codec(bytes);
      // One that failed is not used again: its stream is in the middle of something.
      idle.push(codec);
      return result;
    } finally {
      leave();
    }
  };
}

/** A stream of zlib's, each write to which is a whole frame; what it gives is collected, not queued, and is in memory of its own. */
function streamed(stream: Transform): Codec {
  let parts: Buffer[] = [];
  /** zlib fills memory of `chunkSize` bytes with what it gives, and then takes new one. */
  let filling: ArrayBufferLike | undefined;
  let left = 0;
  let ended = false;
  let fail: (cause: Error) => void = () => {};
  // What zstd refuses, a write is not told of.
  stream.on('error', (cause) => fail(cause));
  stream.push = (part: Buffer | null) => {
    if (part) parts.push(part);
    else ended = true;
    left -= part?.length ?? 0;
    if (left < 0) stream.destroy(new Error('the frame is larger than it says'));
    return true;
  };
  const taken = (): Buffer => {
    const [only] = parts;
    if (only && parts.length === 1 && only.length === only.buffer.byteLength) return only;
    const whole = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
      if (filling && filling !== part.buffer) release(new Uint8Array(filling));
      filling = part.buffer;
    }
    return whole;
  };
  return (frame) =>
    new Promise((resolve, reject) => {
      fail = reject;
      parts = [];
      left = frameSize(frame)!;
      stream.write(frame, (error) => {
        if (error) return reject(error);
        if (stream.destroyed || ended || left !== 0) return reject(new Error('not one whole frame'));
        resolve(taken());
        parts = [];
      });
    });
}

/** The size of its contents that a zstd frame's header gives (RFC 8878, 3.1.1.1). */
function frameSize(frame: Uint8Array): number | undefined {
  const view = Buffer.from(frame.buffer, frame.byteOffset, Math.min(frame.length, 18));
  if (view.length < 6 || view.readUInt32LE(0) !== 0xfd2fb528) return undefined;
  const descriptor = view[4]!;
  const single = (descriptor >> 5) & 1;
  const at = 5 + (1 - single) + [0, 1, 2, 4][descriptor & 3]!;
  const width = [single, 2, 4, 8][descriptor >> 6]!;
  if (width === 0 || at + width > view.length) return undefined;
  if (width === 8) return Number(view.readBigUInt64LE(at));
  return view.readUIntLE(at, width) + (width === 2 ? 256 : 0);
}
