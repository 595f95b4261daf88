import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';

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
  return decompressing(packed, { chunkSize: Math.min(limit, 1 << 20) + 1024, maxOutputLength: limit + 1024 });
}
