import type { Emit } from '../events.ts';
import type { BundleInfo } from '../vault/types.ts';

export interface ExportOptions {
  /** `KIND` or `KIND:NAME-GLOB`; what the chosen ones refer to comes along. */
  only?: string[];
  exclude?: string[];
  /** False: documents alone. */
  disks?: boolean;
  consistency?: 'crash' | 'quiesce' | 'stop';
  /** Where one image per worker is spooled; default: a new folder under the system's temporary one. Always removed. */
  scratch?: string;
  /** Images taken at once; default 3. */
  parallel?: number;
  /** Words by which people find and keep the bundle. */
  tags?: string[];
  emit?: Emit;
  signal?: AbortSignal;
}

export interface ExportReport {
  format: 'baluchon-export/1';
  bundle: BundleInfo;
  disks: { id: string; name: string; size: number; data: number; new_bytes: number; stored_bytes: number; consistency: string; format: string; seconds: number }[];
  /** What is not in the bundle, or not wholly, and why. */
  notes: { id: string; kind: string; name: string; attribute?: string; verdict: 'unknown' | 'lost' | 'degraded'; reason: string }[];
  seconds: number;
}
