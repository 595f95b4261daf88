import type { Disk } from '../disk/disk.ts';
import { release, roomFor, type Memory } from '../memory.ts';
import type { Index } from './chunk-index.ts';
import { runs } from './chunk.ts';
import { perform } from './crew.ts';
import { markSecret } from './marks.ts';
import { recollection } from './recollection.ts';
import type { Session } from './session.ts';

// A disk on its way into a vault: its chunks are read and named, some at a time.

/** Bytes of chunks that are taken together: where most are new, and where most are known by their marks, which leave nothing in memory. */
const batchBytes = { new: 2 << 20, known: 8 << 20 };

export interface Batch {
  /** The chunks' numbers on the disk, ascending, and their lengths. */
  indices: number[];
  lengths: number[];
  /** To be given back when nobody looks into it any more. */
  memory: Memory;
}

export interface NamedBatch extends Batch {
  /** Null for nothing but zeros. */
  ids: (string | null)[];
  /** Where in the memory each chunk lies that is new to the vault. */
  at: number[];
}

export interface Intake {
  /** Room for the disk's next chunks, filled by `name`. @throws what the signal says, and what the disk throws */
  read(): AsyncGenerator<Batch>;
  name(batch: Batch): Promise<NamedBatch>;
  /** All chunks before this one are in the vault's index. `memory` is taken back, to be used again: nobody looks into it any more. */
  passed(next: number, memory: Memory): void;
  close(): void;
}

/** What takes disks in, several at once. Memory is used again; how many batches there are at once is up to who asks for them. */
export function intakes(session: Session, index: Index): (disk: Disk, id: string, signal?: AbortSignal) => Intake {
  const { chunk_size: chunkSize } = session.header.profile;
  const [few, many] = [batchBytes.new, batchBytes.known].map((bytes) => Math.max(1, Math.floor(bytes / chunkSize))) as [number, number];
  const secret = session.secrets.dedup[0]!;
  const marking = markSecret(session);
  const remember = recollection(session, index, marking);

  return (disk, id, signal) => {
    // Files are there to be read; a cloud's downloads come at their own pace.
    const memories = remember(id, disk.fd !== undefined);
    let batch = few;
    const spare: Memory[] = [];
    /** Rooms of the size that is asked for are used again, others given back as their turn comes. */
    const room = (chunks: number): Memory => {
      const old = spare.shift();
      if (old?.buffer.byteLength === chunks * chunkSize) return new Uint8Array(old.buffer);
      if (old) giveBack(old);
      return roomFor(chunks * chunkSize);
    };
    const fill = async ({ indices, lengths, memory }: Batch): Promise<void> => {
      let filled = 0;
      for (const { from, count } of runs(indices)) {
        const length = lengths.slice(from, from + count).reduce((sum, one) => sum + one, 0);
        await disk.read(indices[from]! * chunkSize, memory.subarray(filled, filled + length));
        filled += length;
      }
    };
    return {
      async *read() {
        for await (const indices of gathered(dataChunks(disk, chunkSize), () => batch)) {
          signal?.throwIfAborted();
          const memory = room(Math.max(batch, indices.length));
          const one = { indices, lengths: indices.map((at) => Math.min(chunkSize, disk.size - at * chunkSize)), memory };
          // A file is read by those who name what is in it.
          if (disk.fd === undefined) await fill(one);
          yield one;
        }
      },
      async name({ indices, lengths, memory }) {
        const known = await memories.recall(indices);
        const job = { task: 'name' as const, lengths, secret, ...(known && { marks: { secret: marking, records: known.records } }) };
        const file = disk.fd === undefined ? {} : { file: { fd: disk.fd, offsets: indices.map((at) => at * chunkSize) } };
        let named = await perform({ ...job, memory, ...file });
        if (!named.ids) {
          // Whoever has the file open finds out why.
          await fill({ indices, lengths, memory: named.memory });
          named = await perform({ ...job, memory: named.memory });
        }
        if (known) memories.learn(indices, known, named.ids!, named.records);
        if (disk.fd !== undefined) batch = 2 * named.used > indices.length * chunkSize ? few : many;
        return { indices, lengths, memory: named.memory, ids: named.ids!, at: named.at };
      },
      passed(next, memory) {
        spare.push(memory);
        memories.passed(next);
      },
      close() {
        spare.splice(0).forEach(giveBack);
        memories.close();
      },
    };
  };
}

function giveBack(memory: Memory): void {
  release(new Uint8Array(memory.buffer));
}

/** Numbers of the chunks that may hold data, ascending. */
async function* dataChunks(disk: Disk, chunkSize: number): AsyncGenerator<number> {
  let next = 0;
  for await (const { offset, length } of disk.extents()) {
    const end = Math.ceil((offset + length) / chunkSize);
    for (next = Math.max(next, Math.floor(offset / chunkSize)); next < end; next++) yield next;
  }
}

/** Up to `most()` at a time. */
async function* gathered(items: AsyncIterable<number>, most: () => number): AsyncGenerator<number[]> {
  let some: number[] = [];
  for await (const item of items) {
    some.push(item);
    if (some.length < most()) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}
