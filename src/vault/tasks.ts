import { readSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { CannotWrite } from '../disk/disk.ts';
import { scatter, type Target } from '../disk/scatter.ts';
import { isZero } from '../disk/zero.ts';
import { decipher, encipher, envelopeLead, type SessionKey } from '../keys/envelope.ts';
import { release, type Memory } from '../memory.ts';
import type { Sealing } from '../keys/openpgp.ts';
import { chunkId, sha256 } from './chunk.ts';
import { digestOf, markKey, recognise, recordBytes, writeRecord } from './marks.ts';
import type { Place } from './reader.ts';
import { untar } from './tar.ts';

/** What the crew's threads do (see crew.ts): whole packs at a time, from beginning to end, as each word between threads costs as much as a chunk. */

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
  /** Only these chunks, by id, each written to its places in open files of `size` bytes; all are `chunkSize` long but at a file's end. */
  to?: { files: (Target & { size: number })[]; places: Map<string, Place[]>; chunkSize: number };
}

export interface NameJob {
  task: 'name';
  /** Chunks, one after the other, or room for them where they are to be read. */
  memory: Memory;
  lengths: number[];
  secret: Uint8Array;
  /** The open file in which the chunks lie, and where (in bytes). */
  file?: { fd: number; offsets: number[] };
  /** What is remembered of these chunks, record by record, and the secret of that: see marks.ts. */
  marks?: { secret: Uint8Array; records: Uint8Array };
}

export interface SqueezeJob {
  task: 'squeeze';
  /** Overwritten. */
  memory: Memory;
  /** Ascending. */
  chunks: { at: number; length: number; proof: boolean }[];
}

export type Job = SealJob | OpenJob | LookJob | NameJob | SqueezeJob;

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
  failed?: { fd: number; code: string | undefined; message: string };
}

export interface Named {
  memory: Memory;
  /** One for each chunk; null for nothing but zeros. Missing where the file could not be read. */
  ids?: (string | null)[];
  /** Where each chunk lies in the memory. What was read, and was all zeros or known by its mark, does not lie there any more. */
  at: number[];
  /** Bytes of the memory in which chunks lie: of those read from a file the ones that are new. */
  used: number;
  /** Where they are others than before. */
  records?: Uint8Array;
}

export interface Squeezed {
  memory: Memory;
  /** What is to be stored lies in the memory, one after the other: of each chunk a zstd frame, or what it is where that is no smaller. */
  bodies: { at: number; length: number; packed: boolean }[];
  /** False where zstd did not give back what it was given: asked of those with `proof`. */
  proven: boolean;
}

interface Results {
  seal: Sealed;
  open: Opened;
  look: Looked;
  name: Named;
  squeeze: Squeezed;
}
export type Done<J extends Job> = Results[J['task']];

const tasks: { [T in Job['task']]: (job: Extract<Job, { task: T }>) => Results[T] | Promise<Results[T]> } = { seal, open: (job) => open(job), look, name, squeeze };

function name({ memory, lengths, secret, file, marks }: NameJob): Named {
  const at: number[] = [];
  const ids: (string | null)[] = [];
  const key = marks && markKey(marks.secret);
  let free = 0;
  let news = false;
  for (const [nth, length] of lengths.entries()) {
    const plain = memory.subarray(free, free + length);
    at.push(free);
    if (file && !read(file.fd, plain, file.offsets[nth]!)) return { memory, at, used: free };
    // Read, known and done with: the next one comes into the same memory, which the processor still has at hand.
    if (!file) free += length;
    if (isZero(plain)) {
      ids.push(null);
      continue;
    }
    const record = marks?.records.subarray(nth * recordBytes, (nth + 1) * recordBytes);
    const digest = key && digestOf(key, plain);
    const known = digest && !isZero(record!) ? recognise(key, record!, digest) : undefined;
    const id = known ?? chunkId(secret, plain);
    ids.push(Buffer.from(id).toString('hex'));
    if (known) continue;
    if (file) free += length;
    if (!digest) continue;
    writeRecord(key, record!, digest, id);
    news = true;
  }
  return { memory, ids, at, used: free, ...(news && { records: marks!.records }) };
}

/** False where the file ends before, or can't be read: whoever has it open finds out why. */
function read(fd: number, into: Uint8Array, offset: number): boolean {
  try {
    for (let done = 0; done < into.length; ) {
      const bytes = readSync(fd, into, done, into.length - done, offset + done);
      if (bytes === 0) return false;
      done += bytes;
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * zstd's fast strategy with a table and a minimal match that suit chunks: on disks of Debian systems 2 % more bytes than level 3, in
 * 60 % of the time. Never set ZSTD_c_nbWorkers: Node then cuts the output short.
 */
const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_hashLog]: 15, [constants.ZSTD_c_minMatch]: 5, [constants.ZSTD_c_contentSizeFlag]: 1 };

function squeeze({ memory, chunks }: SqueezeJob): Squeezed {
  let proven = true;
  let used = 0;
  const bodies = chunks.map(({ at, length, proof }) => {
    const plain = memory.subarray(at, at + length);
    // Large enough that it is no part of the memory that Node shares out in small pieces.
    const frame = zstdCompressSync(plain, { chunkSize: Math.max(length, 1 << 16) + 1024, params, pledgedSrcSize: length });
    const packed = frame.length < length;
    if (proof && packed) proven &&= decompressed(frame, length)?.equals(plain) === true;
    const size = packed ? frame.length : length;
    // It takes the place of chunks that are done with.
    memory.set(packed ? frame : plain, used);
    used += size;
    release(Buffer.from(frame.buffer));
    return { at: used - size, length: size, packed };
  });
  return { memory, bodies, proven };
}

function seal({ memory, from, used, key, keyPackets, sealing }: SealJob): Sealed {
  const lead = keyPackets.length + envelopeLead(sealing, used);
  const into = lead <= from ? memory : undefined;
  const file = encipher(key, [memory.subarray(from, from + used)], { keyPackets, sealing, into }) as Memory;
  return { memory, file, digest: sha256(file) };
}

function open({ file, digest, body, keys }: Omit<OpenJob, 'task'>, proven = false): Opened {
  if (sha256(file) !== digest) return { memory: file };
  for (const [nth, key] of keys.entries()) {
    const literal = decipher(key, file.subarray(body), { inPlace: nth === keys.length - 1, proven })?.literal as Memory | undefined;
    if (!literal) continue;
    if (literal.buffer !== file.buffer) release(file);
    return { literal, memory: literal };
  }
  return { memory: file };
}

async function look({ dedup, limit, to, ...job }: LookJob): Promise<Looked> {
  // The file is what its name says, and what is written is proven chunk by chunk; a verification looks at all.
  const { literal, memory } = open(job, to !== undefined);
  if (!literal) return { memory };
  const [good, bad]: [string[], string[]] = [[], []];
  try {
    await scatter(async (add) => {
      for (const { name, body } of untar(Buffer.from(literal.buffer, literal.byteOffset, literal.length))) {
        const packed = name.endsWith('.zst');
        const id = packed ? name.slice(0, -4) : name;
        const places = to?.places.get(id)?.map(({ disk, index }) => ({ file: to.files[disk]!, at: index * to.chunkSize }));
        if (to && !places) continue;
        const plain = packed ? decompressed(body, limit) : body;
        if (!plain || !proves(plain, id, dedup) || places?.some(({ file: { size }, at }) => plain.length !== Math.min(to!.chunkSize, size - at))) {
          bad.push(id);
          continue;
        }
        for (const { file, at } of places ?? []) await add(file, plain, at);
        good.push(id);
        if (packed) release(Buffer.from(plain.buffer));
      }
    });
  } catch (error) {
    if (error instanceof CannotWrite) return { memory, good, bad, failed: { fd: error.fd, code: (error.cause as NodeJS.ErrnoException).code, message: error.message } };
    return { memory };
  }
  return { memory, good, bad };
}

function decompressed(frame: Buffer, limit: number): Buffer | undefined {
  try {
    // With one byte to spare zlib does not take new memory for more to come; of less than 64 it knows nothing.
    return zstdDecompressSync(frame, { chunkSize: Math.max(limit + 1, 64), maxOutputLength: limit });
  } catch {
    return undefined;
  }
}

function proves(plain: Uint8Array, id: string, dedup: Uint8Array[]): boolean {
  return dedup.some((secret) => chunkId(secret, plain).toString('hex') === id);
}

/** This module as a thread's: what says that it is loaded to work, not to be asked. */
export const module = { url: new URL(import.meta.url), workerData: 'baluchon-crew' };

if (!isMainThread && workerData === module.workerData) {
  const work = async (job: Job): Promise<void> => {
    try {
      const done = await (tasks[job.task] as (job: Job) => Done<Job> | Promise<Done<Job>>)(job);
      const buffers = [done.memory, ...('file' in done ? [done.file] : [])].map((bytes) => bytes.buffer);
      parentPort!.postMessage({ done }, [...new Set(buffers)]);
    } catch (error) {
      parentPort!.postMessage({ error }, []);
    }
  };
  // One after the other: by their order the answers are told apart.
  let last = Promise.resolve();
  parentPort!.on('message', (job: Job) => {
    last = last.then(() => work(job));
  });
}
