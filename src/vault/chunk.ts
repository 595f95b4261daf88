import { createHash, createHmac } from 'node:crypto';

/** HMAC-SHA256 of a chunk's plaintext with the deduplication secret, 32 bytes. */
export function chunkId(secret: Uint8Array, plain: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(plain).digest();
}

/** Lower-case hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
