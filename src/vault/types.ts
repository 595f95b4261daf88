import type { BaluchonError } from '../errors.ts';
import type { Emit } from '../events.ts';
import type { Disk, Extent } from '../disk/disk.ts';
import type { Target } from '../disk/scatter.ts';
import type { DiskDocument, Document, JsonObject } from '../tenant/document.ts';
import type { DiskPages } from './changes.ts';

/** What a bundle says of where it came from; carried in its manifest. */
export interface Source {
  /** As the user named the cloud. */
  cloud: string;
  region?: string;
  project: { id: string; name: string };
  /** Service type -> version and microversion used. */
  services: { [service: string]: JsonObject };
}

export interface BundleInfo {
  /** Hex, unique; prefixes of 4 or more digits name it. */
  id: string;
  /** UTC, RFC 3339, seconds. */
  created: string;
  source: Source;
  counts: { [kind: string]: number };
  /** Bytes of all disks' raw views. */
  disk_bytes: number;
  /** Bytes that this bundle added to the vault. */
  added_bytes: number;
  /** Words by which people find and keep it. */
  tags?: string[];
}

export interface DiskResult {
  /** Bytes of the raw view, of those not zero, and what was new to the vault before and after compression. */
  size: number;
  data: number;
  new_bytes: number;
  stored_bytes: number;
}

export interface BundleWriter {
  /** Reads the whole disk into the vault. Several at once are welcome: they share one bounded set of buffers. */
  addDisk(disk: Disk, about: DiskDocument, options?: { signal?: AbortSignal; onProgress?: (doneBytes: number) => void }): Promise<DiskResult>;
  /** Writes what is pending, then the manifest: from then on the bundle exists. */
  commit(contents: { source: Source; documents: Document[]; notes?: JsonObject; tags?: string[] }): Promise<BundleInfo>;
  /** Gives up: packs already put stay for a later export (or prune); nothing refers to them. */
  abort(): Promise<void>;
}

export interface DiskFile extends Target {
  /** Of the disk's document. */
  id: string;
  /** Told of bytes as they are written; what it throws ends the writing. */
  wrote(bytes: number): void;
}

export interface Bundle {
  readonly info: BundleInfo;
  readonly source: Source;
  /** As given at `commit`. */
  readonly notes: JsonObject;
  readonly documents: Document[];
  readonly disks: (DiskDocument & { data_bytes: number; depth: number; root: string | null })[];
  /** The disk that belongs to this document id. */
  disk(id: string): Promise<Disk>;
  /**
   * Writes disks to open, empty files, whatever order is fastest: a pack is opened once, however many of them need it. Missing where
   * what is damaged is opened as far as it goes. @throws CannotWrite, and what reading throws
   */
  writeDisks?(files: DiskFile[]): Promise<void>;
  /** The same disk as the tree that names its chunks: for changedExtents. */
  pages(id: string): DiskPages;
}

export interface OpenOptions {
  /**
   * Opens what is damaged as far as it goes: what is lost of a disk reads as zeros, chunks are looked for in every pack, and
   * `latest` or a date is the newest that can be opened. Told of each range of a disk that is lost, and of each manifest passed over.
   */
  salvage?: (lost: { disk: string; offset: number; length: number } | { problem: string }) => void;
}

export interface VerifyResult {
  /** Files looked at and their bytes. */
  files: number;
  bytes: number;
  /** One line each: what is wrong, with the file's name. */
  problems: string[];
  /** With data read: bundles (ids) of which nothing is lost, and the ranges of bytes that are. */
  whole?: string[];
  lost?: LostRanges[];
}

export interface LostRanges {
  /** Ids of the bundle and of the disk's document. */
  bundle: string;
  disk: string;
  /** Bytes that are lost, ascending. */
  ranges: Extent[];
}

/** Somebody who can read a vault (owner), or only add to it (writer). */
export interface Member {
  role: 'owner' | 'writer';
  kind: 'openpgp' | 'passphrase' | 'paper';
  /** What to call it: `passphrase-1`, `paper-2`, or the key's fingerprint. */
  name: string;
  fingerprint: string;
  /** The key's user id, or words of ours. */
  label: string;
  /** UTC, RFC 3339, seconds. */
  added: string;
  removed?: string;
}

export interface Removed {
  /** Who was put out now. */
  members: Member[];
  /** Key files that went, by name, of those who were no members before: of a removal that was cut short, or brought by a copy. */
  leftovers: string[];
}

/** Owners and writers of a vault. Changing them needs an owner's key. */
export interface VaultKeys {
  /** The epoch in force: counts up with each rotation. */
  readonly epoch: number;
  list(): Member[];
  /** Passphrases, paper keys, armored certificates. */
  add(newcomers: { passphrases?: string[]; papers?: string[]; owners?: string[]; writers?: string[] }): Promise<Member[]>;
  /** Begins a new epoch without them. `who`: names as in `list`, or a fingerprint's beginning or end; those of no members whose files are left, without a new epoch. */
  remove(who: string[]): Promise<Removed>;
  /** Begins a new epoch: a new key for what comes. */
  rotate(): Promise<void>;
}

/** What mending or repacking a vault did. */
export interface Rewritten {
  /** Bundles that were written anew, by id: the old one is forgotten, the new one says the same. */
  bundles: { from: string; to: string }[];
  /** Lists of packs that were lost and are back as they were. */
  lists: string[];
  /** What of bundles can't be found any more. */
  lost: LostRanges[];
}

export interface RepairResult extends Rewritten {
  /** Packs that are damaged or gone, and index files that could not be read: by name. */
  damaged: string[];
  /** Packs that no index file knew and one knows now. */
  indexed: number;
  /** Manifests that can't be read: one line each. */
  unreadable: string[];
}

export interface Vault {
  readonly id: string;
  /** Fingerprint of the vault's first key: where trust in it begins. */
  readonly root: string;
  readonly role: 'owner' | 'writer';
  readonly keys: VaultKeys;
  readonly name: string;
  /** Newest last. What is damaged, or by nobody known, is told to `refused`; without it, it is thrown. */
  list(refused?: (error: BaluchonError) => void): Promise<BundleInfo[]>;
  /** What this machine remembers of this place and is not there any more, a line each; none without a memory. */
  missed(): Promise<string[]>;
  /** `latest`, an id or a prefix of one, or a date (the last bundle at or before it). */
  open(ref: string, options?: OpenOptions): Promise<Bundle>;
  begin(): Promise<BundleWriter>;
  /** Removes bundles, by their ids in full, leaving an owner's word that it was meant. What they alone needed stays until a prune. */
  forget(ids: readonly string[]): Promise<void>;
  /** Makes a damaged vault usable; with `acceptLoss` bundles are written anew even where something of them is lost for good. */
  repair(options?: { acceptLoss?: boolean; emit?: Emit; signal?: AbortSignal }): Promise<RepairResult>;
  /** Writes bundles anew that rely on packs of which less than half is needed, so that these can be pruned; `packs` counts them. */
  repack(options?: { dryRun?: boolean; emit?: Emit }): Promise<Rewritten & { packs: number }>;
  verify(options: { ref?: string; readData?: boolean; signal?: AbortSignal }): Promise<VerifyResult>;
  close(): Promise<void>;
}

/** What opens a vault: the passphrase's bytes (no line end), or an armored OpenPGP secret key and its own passphrase if it has one. */
export type Key = { passphrase: string } | { identity: string; passphrase?: string };
