import { randomUUID } from 'node:crypto';
import { longStamp } from '../clock.ts';
import type { Body, Reply } from '../http.ts';
import { checkStrings, invalid, onlyKnown, python, refuse, type Microversion } from '../versions.ts';
import type { Snapshot, Volume, World } from '../world.ts';
import { BOOLEANS, truthy } from './booleans.ts';
import { findVolume } from './find.ts';
import { checkQuota } from './quotas.ts';
import { showSnapshot } from './view.ts';

export function createSnapshot(world: World, version: Microversion, body: Body): Reply {
  if (!body || typeof body !== 'object') throw invalid('body', body, "'snapshot' is a required property");
  onlyKnown('snapshot', body, ['name', 'description', 'display_name', 'display_description', 'volume_id', 'force', 'metadata']);
  if (body.metadata) checkStrings(body.metadata);
  if (typeof body.volume_id !== 'string') throw invalid('snapshot', body, "'volume_id' is a required property");
  if (body.force !== undefined && !BOOLEANS.includes(body.force)) throw invalid('force', body.force, `${python(body.force)} is not one of ${python(BOOLEANS)}`);
  const volume = findVolume(world, body.volume_id);
  if (version.minor >= 66 && body.force !== undefined && !truthy(body.force)) {
    throw refuse(400, "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward compatability, however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored.");
  }
  const force = version.minor >= 66 || truthy(body.force);
  if (volume.status !== 'available' && !(force && volume.status === 'in-use')) throw refuse(400, `Invalid volume: Volume ${volume.id} status must be available${force ? ' or in-use' : ''}, but current status is: ${volume.status}.`);
  const snapshot = takeSnapshot(world, volume, body.name ?? body.display_name ?? null, body.description ?? body.display_description ?? null, body.metadata ?? {});
  return { status: 202, body: { snapshot: showSnapshot(world, snapshot, version, true) } };
}

/** A snapshot of the volume as it is now. */
export function takeSnapshot(world: World, volume: Volume, name: string | null, description: string | null, metadata: Record<string, string> = {}): Snapshot {
  checkQuota(world, 'snapshots', volume.size);
  world.counter += 1;
  const snapshot: Snapshot = {
    id: randomUUID(),
    name,
    description,
    volume_id: volume.id,
    status: 'creating',
    size: volume.size,
    metadata,
    imageMetadata: { ...volume.imageMetadata },
    bootable: volume.bootable,
    created_at: new Date().toISOString().replace('Z', '000'),
    updated_at: null,
    data: volume.data.copy(),
    order: world.counter,
  };
  world.snapshots.set(snapshot.id, snapshot);
  world.clock.after(world.settings.delays.snapshot, () => {
    snapshot.status = 'available';
    snapshot.created_at = snapshot.created_at.replace(/\.\d+$/, '.000000');
    snapshot.updated_at = longStamp();
  });
  return snapshot;
}
