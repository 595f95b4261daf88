export interface FlavorOption {
  name: string;
  vcpus: number;
  /** MiB. */
  ram: number;
  /** GiB. */
  disk: number;
  ephemeral?: number;
  /** MiB. */
  swap?: number;
  extra_specs?: Record<string, string>;
}

/** Milliseconds from one state to the next. */
export interface Pace {
  server: number;
  serverDelete: number;
  serverImage: number;
  volume: number;
  volumeUpload: number;
  snapshot: number;
  attach: number;
  remove: number;
  import: number;
  network: number;
}

export interface SandboxOptions {
  name?: string;
  region?: string;
  username?: string;
  password?: string;
  projectName?: string;
  /** One listener a service, as separate ports, or all behind one port with a path for each, as behind a proxy. */
  layout?: 'ports' | 'paths';
  flavors?: FlavorOption[];
  externalNetwork?: { name: string; cidr: string };
  /** The first one is the default. */
  volumeTypes?: string[];
  publicImage?: { name: string; properties?: Record<string, string> };
  availabilityZones?: { compute?: string[]; volume?: string[]; network?: string[] };
  quotas?: {
    compute?: Partial<{ instances: number; cores: number; ram: number; key_pairs: number; server_groups: number; server_group_members: number; metadata_items: number }>;
    volume?: Partial<{ volumes: number; snapshots: number; gigabytes: number; per_volume_gigabytes: number; backups: number; backup_gigabytes: number; groups: number }>;
    network?: Partial<{ network: number; subnet: number; subnetpool: number; port: number; router: number; floatingip: number; rbac_policy: number; security_group: number; security_group_rule: number }>;
  };
  /** No list gives more than this many at once. */
  pageCap?: number;
  /** Multiplies all delays: 0.1 is ten times as fast. */
  pace?: number;
  delays?: Partial<Pace>;
  /** Highest microversions offered. */
  compute?: string;
  volume?: string;
  /** Neutron extensions that are not there. */
  withoutExtensions?: string[];
  maxMtu?: number;
  /** Seconds until a token expires. */
  tokenLife?: number;
  /** Policies and settings that differ from OpenStack's defaults. */
  policy?: Partial<Policy>;
}

export interface Policy {
  /** `os-extended-server-attributes` for members: user_data, host, root device. */
  extendedServerAttributes: boolean;
  /** Cinder's `enable_force_upload`. */
  forceUpload: boolean;
  /** Neutron lets a member choose a floating address. */
  chooseFloatingAddress: boolean;
  /** Glance refuses content that is not of the declared disk_format (newer releases; default of this sandbox). */
  requireImageFormatMatch: boolean;
  /** Glance's `image_size_cap`, bytes. */
  imageSizeCap: number;
}

export interface Settings {
  name: string;
  region: string;
  username: string;
  password: string;
  projectName: string;
  layout: 'ports' | 'paths';
  flavors: FlavorOption[];
  externalNetwork: { name: string; cidr: string };
  volumeTypes: string[];
  publicImage: { name: string; properties: Record<string, string> };
  zones: { compute: string[]; volume: string[]; network: string[] };
  quotas: { compute: Record<string, number>; volume: Record<string, number>; network: Record<string, number> };
  pageCap: number | undefined;
  delays: Pace;
  compute: string;
  volume: string;
  withoutExtensions: string[];
  maxMtu: number;
  tokenLife: number;
  policy: Policy;
}

const DELAYS: Pace = { server: 120, serverDelete: 60, serverImage: 80, volume: 40, volumeUpload: 80, snapshot: 30, attach: 40, remove: 30, import: 40, network: 30 };

export function settings(options: SandboxOptions): Settings {
  const pace = options.pace ?? 1;
  const delays = { ...DELAYS, ...options.delays };
  for (const key of Object.keys(delays) as (keyof Pace)[]) delays[key] *= pace;
  const name = options.name ?? 'sandbox';
  return {
    name,
    region: options.region ?? 'RegionOne',
    username: options.username ?? 'loic',
    password: options.password ?? `${name}-loic`,
    projectName: options.projectName ?? 'miop',
    layout: options.layout ?? 'ports',
    flavors: options.flavors ?? [
      { name: 'm1.nano', vcpus: 1, ram: 96, disk: 1 },
      { name: 'm1.tiny', vcpus: 1, ram: 128, disk: 1 },
      { name: 'm1.small', vcpus: 1, ram: 192, disk: 2 },
      { name: 'm1.medium', vcpus: 2, ram: 384, disk: 4 },
    ],
    externalNetwork: options.externalNetwork ?? { name: 'ext-net', cidr: '198.51.100.0/24' },
    volumeTypes: options.volumeTypes ?? ['classic', 'fast'],
    publicImage: { name: options.publicImage?.name ?? 'tinyweb', properties: options.publicImage?.properties ?? { os_distro: 'debian', hw_rng_model: 'virtio' } },
    zones: { compute: ['nova'], volume: ['nova'], network: ['nova'], ...options.availabilityZones },
    quotas: {
      compute: { cores: 20, instances: 10, key_pairs: 100, metadata_items: 128, ram: 51_200, server_group_members: 10, server_groups: 10, ...options.quotas?.compute },
      volume: { volumes: 10, per_volume_gigabytes: -1, snapshots: 10, gigabytes: 1000, backups: 10, backup_gigabytes: 1000, groups: 10, ...options.quotas?.volume },
      network: { network: 100, subnet: 100, subnetpool: -1, port: 500, router: 10, floatingip: 50, rbac_policy: 10, security_group: 10, security_group_rule: 100, ...options.quotas?.network },
    },
    pageCap: options.pageCap,
    delays,
    compute: options.compute ?? '2.93',
    volume: options.volume ?? '3.70',
    withoutExtensions: options.withoutExtensions ?? [],
    maxMtu: options.maxMtu ?? 1450,
    tokenLife: options.tokenLife ?? 3600,
    policy: { extendedServerAttributes: false, forceUpload: false, chooseFloatingAddress: false, requireImageFormatMatch: true, imageSizeCap: 2 ** 40, ...options.policy },
  };
}
