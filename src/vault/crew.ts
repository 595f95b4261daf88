import { Worker } from 'node:worker_threads';
import { module, type Done, type Job } from './tasks.ts';

/**
 * Packs are sealed, opened and looked through in threads of their own, beside reading and compressing. Memory is handed over, not
 * copied: what a job brings is empty here until it comes back.
 */

interface Hand {
  worker: Worker;
  waiting: { bytes: number; resolve(done: unknown): void; reject(cause: unknown): void }[];
}

/** Threads at most: each takes some 10 MiB and the pack it works on. */
export const hands = 2;
const crew: Hand[] = [];

// None of the process's own options: a thread refuses those of V8.
function start(): Hand {
  const worker = new Worker(module.url, { workerData: module.workerData, execArgv: [] });
  const hand: Hand = { worker, waiting: [] };
  worker.on('message', ({ done, error }: { done?: unknown; error?: unknown }) => {
    const { resolve, reject } = hand.waiting.shift()!;
    // An idle thread must not keep the process.
    if (hand.waiting.length === 0) worker.unref();
    if (error === undefined) resolve(done);
    else reject(error);
  });
  worker.on('error', (cause) => {
    crew.splice(crew.indexOf(hand), 1);
    for (const { reject } of hand.waiting.splice(0)) reject(cause);
  });
  crew.push(hand);
  return hand;
}

/** Bytes of all that a hand has still to do: a few chunks must not wait behind a whole pack. */
const load = ({ waiting }: Hand): number => waiting.reduce((sum, { bytes }) => sum + bytes, 0);

/** Has a job done by whoever has least to do. @throws what the job throws. */
export function perform<J extends Job>(job: J): Promise<Done<J>> {
  const least = crew.toSorted((a, b) => load(a) - load(b))[0];
  const hand = least && (least.waiting.length === 0 || crew.length >= hands) ? least : start();
  hand.worker.ref();
  const { buffer } = 'memory' in job ? job.memory : job.file;
  return new Promise((resolve, reject) => {
    hand.waiting.push({ bytes: buffer.byteLength, resolve: resolve as (done: unknown) => void, reject });
    hand.worker.postMessage(job, [buffer]);
  });
}
