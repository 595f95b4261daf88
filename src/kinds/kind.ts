import type { Cloud } from '../cloud/cloud.ts';
import type { Disk } from '../disk/disk.ts';
import type { Emit } from '../events.ts';
import type { DiskDocument, Document, JsonObject } from '../tenant/document.ts';
import type { Temporaries } from './temporary.ts';

/**
 * A kind of resource, as a declaration. Order of creation, the topology picture, broken-reference checks, the closure of
 * filters and the diff all follow from `refs`; nothing elsewhere knows a kind by name unless it says why.
 */
export interface Kind<Raw = any> {
  readonly name: string;
  /** JSON Schema (draft 2020-12) of `params`. */
  readonly schema: object;
  /** References in `params`: JSON pointer, `*` for any index or key -> the kind pointed at. Null and missing are fine. */
  readonly refs: Readonly<Record<string, string>>;
  /** Names in `params` that are the cloud's own and a mapping may change: JSON pointer -> sort of name. */
  readonly names?: Readonly<Record<string, NameSort>>;
  /** Those of `refs` that only tell what it was made from: needed where its bytes are not in the bundle, and no difference between two. */
  readonly origin?: readonly string[];
  /** Those of `refs` that `create` does without and `complete` needs: what makes cycles harmless. */
  readonly late?: readonly string[];

  /** The project's own resources of this kind. Kinds whose service the cloud lacks give nothing. */
  list(cloud: Cloud): AsyncIterable<Raw>;
  /** One that something of ours refers to though it is not ours (a public image, an external network); `key` is what identifies it, see `key`. */
  fetch?(cloud: Cloud, key: string): Promise<Raw | undefined>;
  /** Those of the cloud's own that a bundle's foreign documents may be mapped to. */
  offers?(cloud: Cloud): AsyncIterable<Raw>;
  /** What identifies a raw resource on its cloud: its id, mostly. Document ids derive from it. */
  key(raw: Raw): string;
  /** Pure but for `ref(kind, key)`, which gives the document id that stands in `params` for another resource. */
  toDocument(raw: Raw, ref: Ref): Omit<Document, 'kind' | 'id' | 'refs'>;
  /** Documents of other kinds that only this one's answer tells of (the flavor embedded in a server). */
  also?(raw: Raw): { kind: string; raw: unknown }[];

  /** True where a document's name is the cloud's choice (an address), so that it tells nothing on another one. */
  readonly namedByCloud?: true;
  /** What the cloud does not tell of this one, or does not let out. */
  unknown?(document: Document): { attribute: string; verdict: 'unknown' | 'lost' | 'degraded'; reason: string }[];

  /** True for documents that stand for something of the cloud's: an import maps them and never creates them. */
  foreign?(document: Document): boolean;
  /** How well an offer stands in for a foreign document: lower is better, undefined not at all. */
  rank?(wanted: Document, offer: Document): { cost: number; reason: string } | undefined;
  /** What an ordinary user can't have as it was: the params an import asks for instead, and why. Pure. */
  adapt?(params: JsonObject): { params: JsonObject; changes: { attribute: string; reason: string }[] };
  /** Why an import does not create this one (a described snapshot), or undefined. */
  skip?(document: Document): string | undefined;
  /** Documents that must be complete before this one is created, beyond its references. Ids. */
  needs?(document: Document, all: readonly Document[]): string[];

  /** What can be done before anything that it refers to is there: sending its bytes. What it gives comes to `create` as `prepared`. */
  prepare?(work: CreateWork): Promise<string | undefined>;
  /** Creates it and waits until it can be referred to. Returns the cloud's id. */
  create?(work: CreateWork): Promise<string>;
  /** The second step: what needs late references, or documents of the `after` kinds that refer to this one, to be there. */
  complete?: { after?: readonly string[]; run(work: CreateWork & { id: string }): Promise<void> };
  /** Makes an existing one equal to the document (only where the plan says `update`). */
  update?(work: CreateWork & { id: string }): Promise<void>;

  /** Kinds that have bytes: true when this document's disk is to be taken. */
  hasDisk?(document: Document): boolean;
  /** Makes the disk downloadable as an image. What it creates on the way is registered with `temporaries`. */
  capture?(work: CaptureWork): Promise<Capture>;
}

export type Ref = (kind: string, key: string) => string;

export type NameSort = 'volume_type' | 'compute_zone' | 'volume_zone';

export interface CreateWork {
  cloud: Cloud;
  document: Document;
  /** A copy of the document's params, references replaced by the target's ids, names by the mapping's. */
  params: any;
  /** The documents of the bundle, and the target's id for each that has one. */
  documents: ReadonlyMap<string, Document>;
  target(documentId: string): string;
  /** The document's disk in the bundle, where it has one. */
  disk?: Disk;
  about?: DiskDocument;
  prepared?: string;
  /** Lets a bounded number of disks travel at once. */
  sending<T>(task: () => Promise<T>): Promise<T>;
  /** user_data for this server as the operator supplied it, base64. */
  userData?: string;
  temporaries: Temporaries;
  emit: Emit;
  signal?: AbortSignal;
}

export interface CaptureWork {
  cloud: Cloud;
  document: Document;
  consistency: 'crash' | 'quiesce' | 'stop';
  /** To be called as soon as the guest may write again without touching what is taken. */
  taken(): void;
  temporaries: Temporaries;
  emit: Emit;
  signal?: AbortSignal;
}

export interface Capture {
  /** The Glance image to download. */
  image: string;
  /** When the cloud took the snapshot. */
  takenAt: Date;
  consistency: 'crash' | 'quiesced' | 'stopped';
  properties?: { [name: string]: string };
  /** What could not be had, for the notes. */
  notes?: string[];
  /** Removes the temporary resources of this capture; never throws for what is gone already. */
  release(): Promise<void>;
}
