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
  /**
   * Shows all that the disk holds to `see`, each piece once and several at a time, in whatever order is read fastest;
   * zeros may be left out. A piece is good until its promise is done. Missing where order makes no difference.
   */
  each?(see: (piece: { offset: number; bytes: Uint8Array }) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
