import { createCipheriv } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const MiB = 1 << 20;
const block = 4096;

/** Bytes that follow from the seed and don't compress. */
function stream(seed: string): (length: number) => Buffer {
  const cipher = createCipheriv('aes-256-ctr', Buffer.alloc(32, seed), Buffer.alloc(16));
  return (length) => cipher.update(Buffer.alloc(length));
}

/** A pseudo-random source of numbers in [0, 1). */
function dice(seed: string): () => number {
  const next = stream(seed);
  let pool: Buffer = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at + 4 > pool.length) {
      pool = next(65536);
      at = 0;
    }
    at += 4;
    return pool.readUInt32LE(at - 4) / 2 ** 32;
  };
}

type Maker = (length: number) => Buffer;

/** Words of a made-up language: compresses about four times, as logs, sources and documentation do. */
function text(roll: () => number): Maker {
  const words = Array.from({ length: 4000 }, () => String.fromCharCode(...Array.from({ length: 2 + Math.floor(roll() * 8) }, () => 97 + Math.floor(roll() * roll() * 26))));
  return (length) => {
    const bytes = Buffer.alloc(length, 10);
    for (let at = 0; at < length;) at += bytes.write(words[Math.floor(roll() ** 3 * words.length)]!, at, 'latin1') + 1;
    return bytes;
  };
}

/** Short runs out of a small pool between random bytes: compresses about twice, as programs and libraries do. */
function binary(roll: () => number, noise: Maker): Maker {
  const pool = noise(8192);
  return (length) => {
    const bytes = noise(length);
    for (let at = 0; at < length;) {
      const run = 8 + Math.floor(roll() * 40);
      const from = Math.floor(roll() * (pool.length - run));
      pool.copy(bytes, at, from, Math.min(from + run, from + length - at));
      at += run + 4 + Math.floor(roll() * 12);
    }
    return bytes;
  };
}

/** A raw image, the same on every machine: 36 % zeros; text, programs and compressed files of 4 KiB to 2 MiB. Kept in the folder from run to run. */
export async function debianLike(folder: string, mebibytes: number): Promise<string> {
  const path = join(folder, `debian-like-${mebibytes}.raw`);
  await mkdir(folder, { recursive: true });
  if (!existsSync(path)) await generate(path, (file) => fill(file, mebibytes * MiB));
  return path;
}

async function generate(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(`${path}.partial`, 'w');
  try {
    await write(file);
  } finally {
    await file.close();
  }
  await rename(`${path}.partial`, path);
}

async function fill(file: FileHandle, size: number): Promise<void> {
  const roll = dice('v1');
  const noise = stream('noise');
  const makers: [number, Maker][] = [[0.28, text(roll)], [0.42, binary(roll, noise)], [0.3, noise]];
  await file.truncate(size);
  for (let at = 0; at < size;) {
    const length = Math.min(block * Math.ceil(2 ** (roll() * 9)), size - at);
    if (roll() >= 0.36) {
      let kind = roll();
      const [, make] = makers.find(([share]) => (kind -= share) < 0) ?? makers[2]!;
      await file.write(make(length), 0, length, at);
    }
    at += length;
  }
}

/** Changes 2 % of the blocks, in runs of 36 KiB or so, scattered. */
export async function change(file: FileHandle, size: number, seed: string): Promise<void> {
  const roll = dice(`v2${seed}`);
  const noise = stream(`changes${seed}`);
  const make = binary(roll, noise);
  for (let changed = 0; changed < size * 0.02;) {
    const length = block * (1 + Math.floor(roll() * 17));
    const at = block * Math.floor((roll() * (size - length)) / block);
    await file.write(make(length), 0, length, at);
    changed += length;
  }
}

/** Folders with one image each, kept as well: of bytes that don't compress, and a sparse one with a sixteenth of data, in runs of 1 to 31 MiB. */
export async function otherImages(folder: string, mebibytes: { random: number; sparse: number }): Promise<{ random: string; sparse: string }> {
  const random = join(folder, `random-${mebibytes.random}`, 'a.raw');
  const sparse = join(folder, `sparse-${mebibytes.sparse}`, 'a.raw');
  for (const path of [random, sparse]) await mkdir(dirname(path), { recursive: true });
  if (!existsSync(random)) await generate(random, async (file) => {
    const noise = stream('random');
    for (let at = 0; at < mebibytes.random; at++) await file.write(noise(MiB), 0, MiB, at * MiB);
  });
  if (!existsSync(sparse)) await generate(sparse, async (file) => {
    const roll = dice('sparse');
    const make = binary(roll, stream('sparse noise'));
    await file.truncate(mebibytes.sparse * MiB);
    for (let at = 0; at < mebibytes.sparse; ) {
      const data = Math.min(1 + Math.floor(roll() * 31), mebibytes.sparse - at);
      for (let done = 0; done < data; done++) await file.write(make(MiB), 0, MiB, (at + done) * MiB);
      at += data * 16;
    }
  });
  return { random: dirname(random), sparse: dirname(sparse) };
}
