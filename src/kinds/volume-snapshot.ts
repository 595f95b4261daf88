import type { Kind } from './kind.ts';
import schema from '../../schemas/volume-snapshot.json' with { type: 'json' };
import { isTemporary } from './temporary.ts';

/** `GET /snapshots/detail`. */
interface RawSnapshot {
  id: string;
  name: string | null;
  description: string | null;
  volume_id: string;
  status: string;
  size: number;
  metadata: Record<string, string>;
  created_at: string;
}

/** Described only: its bytes are the volume's at another time, and no API lets a project put a snapshot back. */
export const volumeSnapshot: Kind<RawSnapshot> = {
  name: 'volume-snapshot',
  schema,
  refs: { '/volume_id': 'volume' },
  async *list(cloud) {
    if (!cloud.has('volume')) return;
    const volume = await cloud.service('volume');
    for await (const raw of volume.list<RawSnapshot>('/snapshots/detail', 'snapshots')) {
      if (!isTemporary(raw.name)) yield raw;
    }
  },
  key: (raw) => raw.id,
  toDocument: (raw, ref) => ({
    name: raw.name ?? '',
    params: {
      name: raw.name ?? '',
      description: raw.description ?? '',
      volume_id: ref('volume', raw.volume_id),
      size: raw.size,
      metadata: raw.metadata,
    },
    info: { id: raw.id, status: raw.status, created_at: raw.created_at },
  }),
  skip: () => 'snapshots are described, not carried: only the volume as it is now is in the bundle',
};
