import { createCipheriv, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { closeSync, constants, futimesSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { runs } from './chunk.ts';
import type { Session } from './session.ts';

// What this machine remembers of the disks it has read: for each chunk its id, and a mark by which the same bytes are known again at a third
// of the cost of naming them (ADR 11). As all of the cache it decides nothing that it can't prove: a record that is torn, of another
// chunk or of other bytes does not fit, and the chunk is named as if it were new.

/** A record: a chunk's id, and the mark of its bytes under that id. All zeros where nothing is known. */
export const recordBytes = 48;
export const idBytes = 32;

/** Disks that were not looked at for so long are forgotten. */
const keptFor = 90 * 86_400_000;

/** From the secret that names chunks, so that marks hold for those names alone. */
export function markSecret({ secrets, header }: Session): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secrets.dedup[0]!, header.vault, 'baluchon disk marks', 48));
}

export interface MarkKey {
  /** Of the universal hash. */
  hash: KeyObject;
  /** Of what hides it. */
  seal: KeyObject;
}

export function markKey(secret: Uint8Array): MarkKey {
  return { hash: createSecretKey(secret.subarray(0, 16)), seal: createSecretKey(secret.subarray(16)) };
}

const nonce = Buffer.alloc(12);

/** GHASH of the bytes under a secret key: two chunks have the same in one of 2^113 cases, whatever they are, as long as nobody sees it. */
export function digestOf({ hash }: MarkKey, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-128-gcm', hash, nonce).setAAD(plain);
  cipher.final();
  return cipher.getAuthTag();
}

/** What a record says of bytes with this digest: that they are the chunk `id`. Nothing of the digest can be told from it. */
function markOf({ seal }: MarkKey, digest: Uint8Array, id: Uint8Array): Buffer {
  return createHmac('sha256', seal).update(digest).update(id).digest().subarray(0, recordBytes - idBytes);
}

/** The id that a record gives to bytes with this digest; undefined where it is not of them. */
export function recognise(key: MarkKey, record: Uint8Array, digest: Uint8Array): Uint8Array | undefined {
  const id = record.subarray(0, idBytes);
  return markOf(key, digest, id).equals(record.subarray(idBytes)) ? id : undefined;
}

export function writeRecord(key: MarkKey, record: Uint8Array, digest: Uint8Array, id: Uint8Array): void {
  record.set(id);
  record.set(markOf(key, digest, id), idBytes);
}

export interface DiskMarks {
  /** The records of chunks, by their numbers, one after the other. */
  read(indices: readonly number[]): Uint8Array;
  write(indices: readonly number[], records: Uint8Array): void;
  close(): void;
}

/** The records of a disk, by its document's id; undefined without a cache, or with one that can't be written. */
export function openMarks(session: Session, secret: Uint8Array, disk: string): DiskMarks | undefined {
  if (session.cache === undefined) return undefined;
  const folder = join(session.cache, 'disks');
  let fd: number;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const name = createHmac('sha256', secret).update(disk).digest('hex').slice(0, 32);
    // Record after record where the chunk's number puts it; written in place, as each proves itself.
    fd = openSync(join(folder, name), constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch {
    return undefined;
  }
  let writable = true;
  return {
    read(indices) {
      const records = new Uint8Array(indices.length * recordBytes);
      try {
        for (const { from, count } of runs(indices)) readSync(fd, records, from * recordBytes, count * recordBytes, indices[from]! * recordBytes);
      } catch {
        return records.fill(0);
      }
      return records;
    },
    write(indices, records) {
      if (!writable) return;
      try {
        for (const { from, count } of runs(indices)) writeSync(fd, records, from * recordBytes, count * recordBytes, indices[from]! * recordBytes);
      } catch {
        writable = false;
      }
    },
    close() {
      try {
        futimesSync(fd, new Date(), new Date());
      } catch {}
      closeSync(fd);
    },
  };
}

/** Forgets disks that nobody has looked at for long. */
export function sweepMarks({ cache }: Session): void {
  if (cache === undefined) return;
  const folder = join(cache, 'disks');
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).mtimeMs < Date.now() - keptFor) rmSync(path);
    }
  } catch {}
}
