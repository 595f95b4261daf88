export interface Listed {
  name: string;
  /** Bytes. */
  size: number;
  modified: Date;
}

/** Gives memory for at least so many bytes. */
export type Room = (bytes: number) => Buffer;

/**
 * Where a vault's files lie: a flat space of names such as `packs/ab/abcd.tar.pgp`, `/` between the parts.
 * A store sees ciphertext only, and knows nothing of vaults.
 */
export interface Store {
  /** For messages: `./vault`, `swift://container/prefix?cloud=NAME`. */
  readonly name: string;
  /** What tells it from all other places, where the name does not: containers of two clouds may be called the same. */
  readonly place?: string;
  /** True where nothing can be put or removed: found out before any work is done. */
  readonly readOnly?: boolean;
  /** The caller may write to `body` again when it is done. Atomic: either all of the bytes are there under the name afterwards, or nothing is. Repeating it is harmless. */
  put(name: string, body: Uint8Array): Promise<void>;
  /**
   * The whole file, or `length` bytes from `offset`. `room` gives memory for at least so many bytes, which a store may
   * put them into. Throws `vault` when there is no such file, and where it would be more than `largest` (names.ts).
   */
  get(name: string, range?: { offset: number; length: number }, room?: Room): Promise<Uint8Array>;
  /** Names that begin with the prefix, in any order. */
  names(prefix: string): AsyncIterable<string>;
  /** The same with their sizes in bytes: in a folder each has to be asked for. */
  list(prefix: string): AsyncIterable<Listed>;
  stat(name: string): Promise<{ size: number; modified: Date } | undefined>;
  /** Removing what is not there is no error. */
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}
