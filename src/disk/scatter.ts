import { write } from 'node:fs';
import { promisify } from 'node:util';
import { wholePages } from '../direct.ts';
import { roomFor } from '../memory.ts';
import { CannotWrite } from './disk.ts';
import { dataRuns } from './zero.ts';

/*
 * Raw files, written in pieces as they come. Neighbours are collected and written as one, past the page cache (ADR 13): what is restored
 * does not drive out what a machine holds in its memory for others, and needs no memory that would have to be got first.
 */

/** A file full of zeros, open to be written. */
export interface Target {
  fd: number;
  /** The same file, open to be written past the page cache; missing where its file system does not know that. */
  direct?: number | undefined;
}

/** Takes bytes for a place in a file, and keeps nothing of them; zeros stay a hole. Waits while too much is on its way. @throws CannotWrite */
export type Add = (file: Target, bytes: Uint8Array, offset: number) => Promise<void>;

interface Stretch {
  offset: number;
  used: number;
  room: Buffer;
}

/** Bytes that are written at once, and how many times that is collected or on its way: for each thread. */
const most = 1 << 20;
const rooms = 6;
const spare: Buffer[] = [];

const writeFd = promisify(write);

/** Writes what `fill` adds. In the end, however it comes, nothing is on its way. @throws CannotWrite, and what `fill` throws */
export async function scatter(fill: (add: Add) => Promise<void>): Promise<void> {
  /** One for each file, the one begun first at the front. */
  const collecting = new Map<Target, Stretch>();
  const sending = new Set<Promise<void>>();
  let failed: { cause: unknown } | undefined;

  const send = (file: Target, { offset, used, room }: Stretch): void => {
    collecting.delete(file);
    const sent = put(file, room.subarray(0, used), offset)
      .catch((cause: unknown) => {
        failed ??= { cause };
      })
      .finally(() => {
        sending.delete(sent);
        spare.push(room);
      });
    sending.add(sent);
  };
  const begin = async (file: Target, offset: number): Promise<Stretch> => {
    if (collecting.size === rooms) send(...collecting.entries().next().value!);
    while (collecting.size + sending.size >= rooms) await Promise.race(sending);
    if (failed) throw failed.cause;
    const stretch = { offset, used: 0, room: spare.pop() ?? roomFor(most) };
    collecting.set(file, stretch);
    return stretch;
  };
  const add: Add = async (file, bytes, offset) => {
    for (const [from, to] of dataRuns(bytes)) {
      for (let at = from; at < to; ) {
        let stretch = collecting.get(file);
        if (stretch && (stretch.used === most || stretch.offset + stretch.used !== offset + at)) {
          send(file, stretch);
          stretch = undefined;
        }
        stretch ??= await begin(file, offset + at);
        const some = bytes.subarray(at, Math.min(to, at + most - stretch.used));
        stretch.room.set(some, stretch.used);
        stretch.used += some.length;
        at += some.length;
      }
    }
  };
  try {
    await fill(add);
    for (const [file, stretch] of collecting) send(file, stretch);
  } finally {
    spare.push(...[...collecting.values()].map(({ room }) => room));
    await Promise.all(sending);
  }
  if (failed) throw failed.cause;
}

/** Writes all of the bytes; whole pages past the page cache, where they begin with one. @throws CannotWrite */
export async function put({ fd, direct }: Target, bytes: Uint8Array, offset: number): Promise<void> {
  const some = async (to: number, from: number, end: number): Promise<number> => (await writeFd(to, bytes, from, end - from, offset + from)).bytesWritten;
  let done = direct === undefined ? 0 : await wholePages(bytes, offset, (from, end) => some(direct, from, end));
  try {
    while (done < bytes.length) done += await some(fd, done, bytes.length);
  } catch (cause) {
    throw new CannotWrite(fd, cause as NodeJS.ErrnoException);
  }
}
