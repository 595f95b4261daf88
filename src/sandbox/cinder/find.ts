import { refuse } from '../versions.ts';
import type { Snapshot, Volume, World } from '../world.ts';

export function findVolume(world: World, id: string): Volume {
  const volume = world.volumes.get(id);
  if (!volume) throw refuse(404, `Volume ${id} could not be found.`);
  return volume;
}

export function findSnapshot(world: World, id: string): Snapshot {
  const snapshot = world.snapshots.get(id);
  if (!snapshot) throw refuse(404, `Snapshot ${id} could not be found.`);
  return snapshot;
}
