import { createHash } from 'node:crypto';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { decipher, encipher, envelopeLead, type SessionKey } from './envelope.ts';
import { release } from './memory.ts';
import type { Sealing } from './openpgp.ts';

/**
 * Packs are sealed and opened in a thread of their own, beside reading and compressing. What a cipher of node's gives is new
 * memory each time, and that thread has next to no heap to go through when it is collected. Buffers are handed over, not copied.
 */

interface SealJob {
  task: 'seal';
  /** The plaintext lies in it at `from`, `used` bytes of it; before it there is room for what a message begins with, behind it for its end. */
  memory: Uint8Array<ArrayBuffer>;
  from: number;
  used: number;
  key: SessionKey;
  keyPackets: Uint8Array;
  sealing: Sealing;
}

interface DigestJob {
  task: 'digest';
  file: Uint8Array<ArrayBuffer>;
}

interface OpenJob {
  task: 'open';
  file: Uint8Array<ArrayBuffer>;
  /** Where the body of the encrypted packet begins; it ends with the file. */
  body: number;
  keys: SessionKey[];
}

type Job = SealJob | DigestJob | OpenJob;

interface Done {
  error?: Error;
  memory?: Uint8Array<ArrayBuffer>;
  file?: Uint8Array<ArrayBuffer>;
  literal?: Uint8Array<ArrayBuffer>;
  digest?: string;
}

const mark = 'baluchon-sealer';

function work(job: Job): Done {
  if (job.task === 'digest') return { file: job.file, digest: sha256(job.file) };
  if (job.task === 'seal') {
    const { memory, from, used, sealing } = job;
    const lead = job.keyPackets.length + envelopeLead;
    const into = sealing === 'rfc4880' && lead <= from ? memory.subarray(from - lead) : undefined;
    const file = encipher(job.key, [memory.subarray(from, from + used)], { keyPackets: job.keyPackets, sealing, into }) as Uint8Array<ArrayBuffer>;
    return { memory, file, digest: sha256(file) };
  }
  const body = job.file.subarray(job.body);
  for (const [nth, key] of job.keys.entries()) {
    const literal = decipher(key, body, { inPlace: nth === job.keys.length - 1 })?.literal;
    if (!literal) continue;
    if (literal.buffer !== job.file.buffer) release(job.file);
    return { literal: literal as Uint8Array<ArrayBuffer> };
  }
  return {};
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

if (workerData === mark) {
  parentPort!.on('message', (job: Job) => {
    let done: Done;
    try {
      done = work(job);
    } catch (error) {
      done = { error: error as Error };
    }
    parentPort!.postMessage(done, [...new Set([done.memory, done.file, done.literal].flatMap((bytes) => (bytes ? [bytes.buffer] : [])))]);
  });
}

let thread: Worker | undefined;
const waiting: { resolve(done: Done): void; reject(cause: unknown): void }[] = [];

// None of the process's own options: a thread refuses those of V8.
function start(): Worker {
  const worker = new Worker(new URL(import.meta.url), { workerData: mark, execArgv: [] });
  worker.on('message', (done: Done) => {
    const { resolve, reject } = waiting.shift()!;
    // An idle thread must not keep the process.
    if (waiting.length === 0) worker.unref();
    if (done.error) reject(done.error);
    else resolve(done);
  });
  worker.on('error', (cause) => {
    thread = undefined;
    for (const { reject } of waiting.splice(0)) reject(cause);
  });
  return worker;
}

function run(job: Job): Promise<Done> {
  thread ??= start();
  thread.ref();
  const { buffer } = job.task === 'seal' ? job.memory : job.file;
  return new Promise((resolve, reject) => {
    waiting.push({ resolve, reject });
    thread!.postMessage(job, [buffer]);
  });
}

const asBuffer = (bytes: Uint8Array<ArrayBuffer>): Buffer<ArrayBuffer> => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/**
 * Seals `used` bytes of `memory` from `from` on as one message: in place where the profile lets it and there is room for
 * `envelopeOverhead` and the key packets, elsewhere otherwise. `memory`, all of an ArrayBuffer, is taken over and comes
 * back. `digest` is the SHA-256 of the message, in hex.
 */
export async function sealPack(job: Omit<SealJob, 'task'>): Promise<{ file: Buffer<ArrayBuffer>; digest: string; memory: Buffer<ArrayBuffer> }> {
  const done = await run({ task: 'seal', ...job });
  return { file: asBuffer(done.file!), digest: done.digest!, memory: asBuffer(done.memory!) };
}

/** SHA-256 in hex of a file that is handed over, with all of its ArrayBuffer, and comes back. */
export async function digestOf(file: Uint8Array<ArrayBuffer>): Promise<{ file: Buffer<ArrayBuffer>; digest: string }> {
  const done = await run({ task: 'digest', file });
  return { file: asBuffer(done.file!), digest: done.digest! };
}

/** The literal data of a message whose encrypted packet's body begins at `body`; undefined when no key fits or a byte was changed. Takes the file over, with all of its ArrayBuffer. */
export async function openPackBody(file: Uint8Array<ArrayBuffer>, body: number, keys: SessionKey[]): Promise<Buffer<ArrayBuffer> | undefined> {
  const { literal } = await run({ task: 'open', file, body, keys });
  return literal && asBuffer(literal);
}

/** Bytes whose ArrayBuffer nobody else looks into: handing that over would empty the others. */
export function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength) return bytes as Uint8Array<ArrayBuffer>;
  return new Uint8Array(bytes);
}
