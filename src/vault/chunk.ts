import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** HMAC-SHA256 of a chunk's plaintext with the deduplication secret, 32 bytes. */
export function chunkId(secret: Uint8Array, plain: Uint8Array): Buffer {
  return createHmac('sha256', keyOf(secret)).update(plain).digest();
}

const keys = new WeakMap<Uint8Array, KeyObject>();

/** A key that comes as bytes costs Node 30 microseconds each time, one that it knows 2. */
function keyOf(secret: Uint8Array): KeyObject {
  let key = keys.get(secret);
  if (!key) keys.set(secret, (key = createSecretKey(secret)));
  return key;
}

/** Lower-case hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Stretches of numbers that follow each other: where each begins in the list, and how many they are. */
export function* runs(numbers: readonly number[]): Generator<{ from: number; count: number }> {
  let from = 0;
  for (let at = 1; at <= numbers.length; at++) {
    if (numbers[at] === numbers[at - 1]! + 1) continue;
    yield { from, count: at - from };
    from = at;
  }
}
