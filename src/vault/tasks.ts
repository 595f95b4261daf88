import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { zstdDecompressSync } from 'node:zlib';
import { CannotWrite } from '../disk/disk.ts';
import { dataRuns } from '../disk/zero.ts';
import { decipher, encipher, envelopeLead, type SessionKey } from '../keys/envelope.ts';
import { release } from '../keys/memory.ts';
import type { Sealing } from '../keys/openpgp.ts';
import { chunkId } from './chunk.ts';
import { untar } from './tar.ts';

/** What the crew's threads do (see crew.ts): whole packs at a time, from beginning to end, as each word between threads costs as much as a chunk. */

type Memory = Uint8Array<ArrayBuffer>;

export interface SealJob {
  task: 'seal';
  /** The plaintext lies in it at `from`, `used` bytes of it; before it there is room for what a message begins with, behind it for its end. */
  memory: Memory;
  from: number;
  used: number;
  key: SessionKey;
  keyPackets: Uint8Array;
  sealing: Sealing;
}

export interface OpenJob {
  task: 'open';
  file: Memory;
  /** What the file's SHA-256 must be. */
  digest: string;
  /** Where the body of the encrypted packet begins; it ends with the file. */
  body: number;
  keys: SessionKey[];
}

export interface LookJob extends Omit<OpenJob, 'task'> {
  task: 'look';
  /** The secrets that chunks may be named by, and the most bytes one may have. */
  dedup: Uint8Array[];
  limit: number;
  /** Only these chunks, by id, each written to its places (in bytes) in an open file of `size` bytes; all are `chunkSize` long but at its end. */
  to?: { fd: number; places: Map<string, number[]>; size: number; chunkSize: number };
}

export type Job = SealJob | OpenJob | LookJob;

export interface Sealed {
  memory: Memory;
  file: Memory;
  digest: string;
}

export interface Opened {
  /** The pack's tar; missing where the file is not what its name says, or no key fits. It lies in `memory`. */
  literal?: Memory;
  memory: Memory;
}

export interface Looked {
  memory: Memory;
  /** Ids of the chunks that are as they should be, and of those that are not; missing where the pack can't be opened. */
  good?: string[];
  bad?: string[];
  /** What the system said when a chunk could not be written. */
  failed?: { code: string | undefined; message: string };
}

export type Done<J extends Job> = J extends SealJob ? Sealed : J extends LookJob ? Looked : Opened;

export function perform(job: Job): Sealed | Opened | Looked {
  if (job.task === 'seal') return seal(job);
  return job.task === 'open' ? open(job) : look(job);
}

function seal({ memory, from, used, key, keyPackets, sealing }: SealJob): Sealed {
  const lead = keyPackets.length + envelopeLead;
  const into = sealing === 'rfc4880' && lead <= from ? memory.subarray(from - lead) : undefined;
  const file = encipher(key, [memory.subarray(from, from + used)], { keyPackets, sealing, into }) as Memory;
  return { memory, file, digest: sha256(file) };
}

function open({ file, digest, body, keys }: Omit<OpenJob, 'task'>): Opened {
  if (sha256(file) !== digest) return { memory: file };
  for (const [nth, key] of keys.entries()) {
    const literal = decipher(key, file.subarray(body), { inPlace: nth === keys.length - 1 })?.literal as Memory | undefined;
    if (!literal) continue;
    if (literal.buffer !== file.buffer) release(file);
    return { literal, memory: literal };
  }
  return { memory: file };
}

function look({ dedup, limit, to, ...job }: LookJob): Looked {
  const { literal, memory } = open(job);
  if (!literal) return { memory };
  const [good, bad]: [string[], string[]] = [[], []];
  try {
    for (const { name, body } of untar(Buffer.from(literal.buffer, literal.byteOffset, literal.length))) {
      const packed = name.endsWith('.zst');
      const id = packed ? name.slice(0, -4) : name;
      const places = to?.places.get(id);
      if (to && !places) continue;
      const plain = packed ? decompressed(body, limit) : body;
      if (!plain || !proves(plain, id, dedup) || places?.some((at) => plain.length !== Math.min(to!.chunkSize, to!.size - at))) {
        bad.push(id);
        continue;
      }
      for (const at of places ?? []) write(to!.fd, plain, at);
      good.push(id);
      if (packed) release(Buffer.from(plain.buffer));
    }
  } catch (error) {
    if (error instanceof CannotWrite) return { memory, good, bad, failed: { code: (error.cause as NodeJS.ErrnoException).code, message: error.message } };
    return { memory };
  }
  return { memory, good, bad };
}

function decompressed(frame: Buffer, limit: number): Buffer | undefined {
  try {
    // With one byte to spare zlib does not take new memory for more to come.
    return zstdDecompressSync(frame, { chunkSize: limit + 1, maxOutputLength: limit });
  } catch {
    return undefined;
  }
}

function proves(plain: Uint8Array, id: string, dedup: Uint8Array[]): boolean {
  return dedup.some((secret) => chunkId(secret, plain).toString('hex') === id);
}

function write(fd: number, plain: Buffer, offset: number): void {
  try {
    for (const [from, to] of dataRuns(plain)) {
      for (let at = from; at < to; ) at += writeSync(fd, plain, at, to - at, offset + at);
    }
  } catch (cause) {
    throw new CannotWrite(cause as NodeJS.ErrnoException);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** This module as a thread's: what says that it is loaded to work, not to be asked. */
export const module = { url: new URL(import.meta.url), workerData: 'baluchon-crew' };

if (!isMainThread && workerData === module.workerData) {
  parentPort!.on('message', (job: Job) => {
    try {
      const done = perform(job);
      const buffers = [done.memory, 'file' in done ? done.file : undefined].flatMap((bytes) => (bytes ? [bytes.buffer] : []));
      parentPort!.postMessage({ done }, [...new Set(buffers)]);
    } catch (error) {
      parentPort!.postMessage({ error }, []);
    }
  });
}
