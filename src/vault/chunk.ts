import { createHash, createHmac } from 'node:crypto';

/** HMAC-SHA256 of a chunk's plaintext with the deduplication secret, 32 bytes. */
export function chunkId(secret: Uint8Array, plain: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(plain).digest();
}

/** Lower-case hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const zeros = Buffer.alloc(1 << 20);

export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += zeros.length) {
    const piece = bytes.subarray(at, at + zeros.length);
    if (zeros.compare(piece, 0, piece.length, 0, piece.length) !== 0) return false;
  }
  return true;
}
