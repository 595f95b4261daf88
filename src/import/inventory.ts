import type { Cloud } from '../cloud/cloud.ts';
import { isError } from '../errors.ts';
import type { Emit } from '../events.ts';
import { readTenant } from '../export/read.ts';
import { extensions } from '../kinds/neutron.ts';
import { journalPath, readJournal } from './journal.ts';
import type { Inventory } from './types.ts';

/** What is on the target: the project's own, what it may use, its room. Reads only. `bundle` names the import whose journal counts. */
export async function takeInventory(cloud: Cloud, options: { bundle?: string; rename?: string; emit?: Emit; signal?: AbortSignal } = {}): Promise<Inventory> {
  const { emit, signal, bundle, rename } = options;
  const [tenant, volume_types, zones, quota, known] = await Promise.all([
    readTenant(cloud, { offers: true, emit, signal }),
    volumeTypes(cloud),
    availabilityZones(cloud),
    quotas(cloud),
    cloud.has('network') ? extensions(cloud) : [],
  ]);
  return {
    cloud: cloud.name,
    ...(cloud.region !== undefined && { region: cloud.region }),
    project: cloud.project,
    documents: tenant.documents,
    volume_types,
    availability_zones: zones,
    quota,
    extensions: [...known].sort(),
    journal: bundle === undefined ? {} : await readJournal(journalPath({ bundle, project: cloud.project.id, rename })),
  };
}

async function volumeTypes(cloud: Cloud): Promise<Inventory['volume_types']> {
  if (!cloud.has('volume')) return [];
  const cinder = await cloud.service('volume');
  const preset = await optional(() => cinder.get<{ volume_type: { name: string } }>('/types/default'));
  const types: Inventory['volume_types'] = [];
  for await (const { name } of cinder.list<{ name: string }>('/types', 'volume_types')) types.push({ name, default: name === preset?.volume_type.name });
  return types;
}

interface Zone {
  zoneName: string;
  zoneState: { available: boolean };
}

async function availabilityZones(cloud: Cloud): Promise<Inventory['availability_zones']> {
  const zones = async (type: 'compute' | 'volume') => {
    if (!cloud.has(type)) return [];
    const service = await cloud.service(type);
    const answer = await optional(() => service.get<{ availabilityZoneInfo: Zone[] }>('/os-availability-zone'));
    return (answer?.availabilityZoneInfo ?? []).filter(({ zoneState }) => zoneState.available).map(({ zoneName }) => zoneName);
  };
  return { compute: await zones('compute'), volume: await zones('volume'), network: [] };
}

/** Nova's and Cinder's absolute limits under the words that a person knows, and Neutron's quota details. */
const LIMITS = {
  compute: { servers: ['maxTotalInstances', 'totalInstancesUsed'], vcpus: ['maxTotalCores', 'totalCoresUsed'], ram: ['maxTotalRAMSize', 'totalRAMUsed'], 'server groups': ['maxServerGroups', 'totalServerGroupsUsed'] },
  volume: { volumes: ['maxTotalVolumes', 'totalVolumesUsed'], 'volume storage': ['maxTotalVolumeGigabytes', 'totalGigabytesUsed'] },
} as const;
const NEUTRON = { network: 'networks', subnet: 'subnets', router: 'routers', port: 'ports', floatingip: 'floating addresses', security_group: 'security groups', security_group_rule: 'security group rules' } as const;

async function quotas(cloud: Cloud): Promise<Inventory['quota']> {
  const quota: Inventory['quota'] = {};
  for (const type of ['compute', 'volume'] as const) {
    if (!cloud.has(type)) continue;
    const service = await cloud.service(type);
    const absolute = (await optional(() => service.get<{ limits: { absolute: Record<string, number> } }>('/limits')))?.limits.absolute ?? {};
    for (const [name, [limit, used]] of Object.entries(LIMITS[type])) {
      if (absolute[limit] !== undefined) quota[name] = { limit: absolute[limit], used: absolute[used] ?? 0 };
    }
  }
  if (cloud.has('network')) {
    const network = await cloud.service('network');
    const details = (await optional(() => network.get<{ quota: Record<string, { limit: number; used: number; reserved?: number }> }>(`/quotas/${cloud.project.id}/details.json`)))?.quota ?? {};
    for (const [key, name] of Object.entries(NEUTRON)) {
      const line = details[key];
      if (line?.limit !== undefined) quota[name] = { limit: line.limit, used: line.used + (line.reserved ?? 0) };
    }
  }
  return quota;
}

/** What a cloud may not tell to an ordinary user, or not know of. */
async function optional<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isError(error, 'forbidden', 'not-found')) return undefined;
    throw error;
  }
}
