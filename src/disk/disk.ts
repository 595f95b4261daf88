/** A half-open range of bytes of a disk, `[offset, offset + length)`. */
export interface Extent {
  offset: number;
  length: number;
}

/**
 * A raw, sparse byte space, whatever it came as: an image file, a qcow2, a disk in a bundle.
 * Sizes and offsets are bytes (disks up to 2^53 - 1).
 */
export interface Disk {
  readonly size: number;
  /** The ranges that may hold something other than zeros, ascending, not overlapping, not empty. What lies between reads as zeros. */
  extents(): AsyncIterable<Extent>;
  /** Fills `into` with the bytes from `offset` on; zeros where nothing is stored. The range must lie within the disk. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** An open file that has the disk's bytes as they are, at the same offsets, and may be read beside this. */
  readonly fd?: number;
  /** Missing where a disk is best read from front to back. */
  pieces?: DiskPieces;
  close(): Promise<void>;
}

/** A disk that is kept in pieces of one size, here and there: read in the order in which they lie, each place is gone to once. */
export interface DiskPieces {
  /** Bytes of a piece; the disk's last one may be shorter. */
  readonly piece: number;
  /** Numbers of all pieces that hold data, each once, in that order: a list for each of the disk's stretches, one after the other. */
  order(): AsyncIterable<Uint32Array>;
  /** The bytes of the pieces of one such list, in its order, in buffers of their own. */
  read(pieces: Uint32Array): AsyncIterable<Uint8Array>;
}

/** What the system said when a file could not be written, told apart from what reading throws. */
export class CannotWrite extends Error {
  readonly fd: number;

  constructor(fd: number, system: { code?: string | undefined; message: string }) {
    super(system.message, { cause: system });
    this.fd = fd;
  }
}
