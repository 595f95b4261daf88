import { refuse } from '../versions.ts';
import type { World } from '../world.ts';

function used(world: World): Record<string, number> {
  const volumes = [...world.volumes.values()];
  const snapshots = [...world.snapshots.values()];
  const sum = (all: { size: number }[]): number => all.reduce((total, { size }) => total + size, 0);
  const use: Record<string, number> = { volumes: volumes.length, snapshots: snapshots.length, gigabytes: sum(volumes) + sum(snapshots) };
  for (const { name } of world.volumeTypes) {
    const here = volumes.filter((one) => one.volume_type === name);
    const taken = snapshots.filter((one) => world.volumes.get(one.volume_id)?.volume_type === name);
    use[`volumes_${name}`] = here.length;
    use[`gigabytes_${name}`] = sum(here) + sum(taken);
    use[`snapshots_${name}`] = taken.length;
  }
  return use;
}

export function checkQuota(world: World, what: 'volumes' | 'snapshots', size: number): void {
  const { volume: limit } = world.settings.quotas;
  const use = used(world);
  const over = (message: string): never => {
    throw refuse(413, message, { 'retry-after': '0' });
  };
  if (limit['per_volume_gigabytes']! >= 0 && size > limit['per_volume_gigabytes']!) over(`VolumeSizeExceedsLimit: Requested volume size ${size}G is larger than maximum allowed limit ${limit['per_volume_gigabytes']}G.`);
  if (limit['gigabytes']! >= 0 && use['gigabytes']! + size > limit['gigabytes']!) over(`VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested ${size}G, quota is ${limit['gigabytes']}G and ${use['gigabytes']}G has been consumed.`);
  if (limit[what]! >= 0 && use[what]! + 1 > limit[what]!) over(what === 'volumes' ? `VolumeLimitExceeded: Maximum number of volumes allowed (${limit[what]}) exceeded for quota 'volumes'.` : `SnapshotLimitExceeded: Maximum number of snapshots allowed (${limit[what]}) exceeded`);
}

export function quotas(world: World, usage: boolean): object {
  const use = used(world);
  const limit: Record<string, number> = { ...world.settings.quotas.volume };
  for (const { name } of world.volumeTypes) for (const what of ['volumes', 'gigabytes', 'snapshots']) limit[`${what}_${name}`] = -1;
  const entries = Object.entries(limit).map(([key, value]) => [key, usage ? { limit: value, in_use: use[key] ?? 0, reserved: 0 } : value]);
  return { ...Object.fromEntries(entries), id: world.projectId };
}

export function limits(world: World): object {
  const use = used(world);
  const { volume: limit } = world.settings.quotas;
  return {
    totalVolumesUsed: use['volumes'],
    totalGigabytesUsed: use['gigabytes'],
    totalSnapshotsUsed: use['snapshots'],
    totalBackupsUsed: 0,
    totalBackupGigabytesUsed: 0,
    maxTotalVolumes: limit['volumes'],
    maxTotalSnapshots: limit['snapshots'],
    maxTotalVolumeGigabytes: limit['gigabytes'],
    maxTotalBackups: limit['backups'],
    maxTotalBackupGigabytes: limit['backup_gigabytes'],
  };
}
