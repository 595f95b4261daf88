export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/**
 * One resource of a project, in the neutral model.
 *
 * `params` is what is needed to create it again; references in it are ids of other documents of the same bundle.
 * `refs` maps the JSON pointer (RFC 6901) of each such reference in `params` to the kind it points at.
 * `info` is what was observed and is never replayed (the cloud's own id and status, times, hosts).
 */
export interface Document {
  kind: string;
  /** Stable and local to the bundle: `<kind>-<12 hex digits>`. The same resource gets the same id in every export. */
  id: string;
  /** A label, neither unique nor always there. */
  name: string;
  params: JsonObject;
  refs: { [pointer: string]: string };
  info: JsonObject;
}

/** A disk of a bundle: which document it belongs to, and how it was taken. */
export interface DiskDocument {
  /** Local to the bundle: the id of the document it belongs to. */
  id: string;
  kind: 'server' | 'volume' | 'image';
  /** Name of the document, a label. */
  name: string;
  /** Bytes of the raw view. */
  size: number;
  /** The format the cloud delivered. */
  source_format: string;
  /** `crash`: as after a power cut; `quiesced`: file systems frozen by the guest agent; `stopped`: nothing was writing. */
  consistency: 'crash' | 'quiesced' | 'stopped';
  /** When the cloud took the snapshot, UTC, RFC 3339. */
  taken_at: string;
  /** Glance properties without which the guest may not boot (`hw_*`, `os_*`). */
  properties?: { [name: string]: string };
}
