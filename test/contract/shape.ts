import { expect } from 'vitest';

/**
 * A body's attributes with the sort of value each has: `uuid`, `hex` (32 digits), `time` (Neutron's, Nova's, Glance's), `longtime`
 * (Cinder's), `string`, `number`, `boolean`, `null`, `array`, `object`, `"literal"`; several with `|`.
 */
export type Shape = Record<string, string>;

const SORTS: Record<string, (value: unknown) => boolean> = {
  uuid: (value) => typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
  hex: (value) => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value),
  time: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value),
  longtime: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/.test(value),
  ipv4: (value) => typeof value === 'string' && /^(\d{1,3}\.){3}\d{1,3}$/.test(value),
  mac: (value) => typeof value === 'string' && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(value),
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: (value) => Array.isArray(value),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** Exactly these attributes, each of its sort. All that differs is named at once. */
export function expectShape(body: object, shape: Shape): void {
  const values = body as Record<string, unknown>;
  const wrong: string[] = [];
  for (const key of Object.keys(values)) if (!(key in shape)) wrong.push(`${key}: not expected (${JSON.stringify(values[key])})`);
  for (const [key, sorts] of Object.entries(shape)) {
    if (!(key in values)) wrong.push(`${key}: missing`);
    else if (!sorts.split('|').some((sort) => (sort.startsWith('"') ? values[key] === JSON.parse(sort) : SORTS[sort]!(values[key])))) wrong.push(`${key}: ${JSON.stringify(values[key])} is no ${sorts}`);
  }
  expect(wrong).toEqual([]);
}

const OWNED = { tenant_id: 'hex', project_id: 'hex', created_at: 'time', updated_at: 'time', revision_number: 'number' };

export const NETWORK: Shape = {
  ...OWNED,
  id: 'uuid',
  name: 'string',
  description: 'string',
  admin_state_up: 'boolean',
  mtu: 'number',
  status: 'string',
  subnets: 'array',
  shared: 'boolean',
  'router:external': 'boolean',
  port_security_enabled: 'boolean',
  availability_zone_hints: 'array',
  availability_zones: 'array',
  ipv4_address_scope: 'null',
  ipv6_address_scope: 'null',
  tags: 'array',
};

export const SUBNET: Shape = {
  ...OWNED,
  id: 'uuid',
  name: 'string',
  description: 'string',
  network_id: 'uuid',
  ip_version: 'number',
  cidr: 'string',
  gateway_ip: 'ipv4|null',
  enable_dhcp: 'boolean',
  allocation_pools: 'array',
  host_routes: 'array',
  dns_nameservers: 'array',
  subnetpool_id: 'null',
  ipv6_ra_mode: 'null',
  ipv6_address_mode: 'null',
  service_types: 'array',
  tags: 'array',
};

export const PORT: Shape = {
  ...OWNED,
  id: 'uuid',
  name: 'string',
  description: 'string',
  network_id: 'uuid',
  mac_address: 'mac',
  admin_state_up: 'boolean',
  status: 'string',
  device_id: 'string',
  device_owner: 'string',
  fixed_ips: 'array',
  allowed_address_pairs: 'array',
  extra_dhcp_opts: 'array',
  security_groups: 'array',
  port_security_enabled: 'boolean',
  'binding:vnic_type': 'string',
  tags: 'array',
};

export const ROUTER: Shape = {
  ...OWNED,
  id: 'uuid',
  name: 'string',
  description: 'string',
  admin_state_up: 'boolean',
  status: 'string',
  external_gateway_info: 'object|null',
  availability_zones: 'array',
  availability_zone_hints: 'array',
  routes: 'array',
  flavor_id: 'null',
  tags: 'array',
};

export const FLOATING: Shape = {
  ...OWNED,
  id: 'uuid',
  description: 'string',
  floating_ip_address: 'ipv4',
  floating_network_id: 'uuid',
  router_id: 'uuid|null',
  port_id: 'uuid|null',
  fixed_ip_address: 'ipv4|null',
  status: 'string',
  port_details: 'object|null',
  tags: 'array',
};

export const GROUP: Shape = { ...OWNED, id: 'uuid', name: 'string', description: 'string', stateful: 'boolean', shared: 'boolean', security_group_rules: 'array', tags: 'array' };

export const RULE: Shape = {
  ...OWNED,
  id: 'uuid',
  security_group_id: 'uuid',
  ethertype: 'string',
  direction: 'string',
  protocol: 'string|null',
  port_range_min: 'number|null',
  port_range_max: 'number|null',
  remote_ip_prefix: 'string|null',
  remote_group_id: 'uuid|null',
  remote_address_group_id: 'null',
  normalized_cidr: 'string|null',
  description: 'string|null',
};

/** A rule as its group shows it. */
export const RULE_OF_GROUP: Shape = { ...RULE, standard_attr_id: 'number', tags: 'array' };

export const IMAGE: Shape = {
  id: 'uuid',
  name: 'string|null',
  disk_format: 'string|null',
  container_format: 'string|null',
  visibility: 'string',
  size: 'number|null',
  virtual_size: 'number|null',
  status: 'string',
  checksum: 'hex|null',
  protected: 'boolean',
  min_ram: 'number',
  min_disk: 'number',
  owner: 'hex',
  os_hidden: 'boolean',
  os_hash_algo: '"sha512"|null',
  os_hash_value: 'string|null',
  created_at: 'time',
  updated_at: 'time',
  tags: 'array',
  self: 'string',
  file: 'string',
  schema: 'string',
};

export const VOLUME: Shape = {
  id: 'uuid',
  status: 'string',
  size: 'number',
  availability_zone: 'string',
  created_at: 'longtime',
  updated_at: 'longtime|null',
  name: 'string|null',
  description: 'string|null',
  volume_type: 'string',
  snapshot_id: 'uuid|null',
  source_volid: 'uuid|null',
  metadata: 'object',
  links: 'array',
  user_id: 'hex',
  bootable: '"true"|"false"',
  encrypted: 'boolean',
  replication_status: 'null',
  consistencygroup_id: 'null',
  multiattach: 'boolean',
  attachments: 'array',
  'os-vol-tenant-attr:tenant_id': 'hex',
};

/** At 3.70. */
export const NEW_VOLUME: Shape = { ...VOLUME, group_id: 'null', shared_targets: 'boolean', service_uuid: 'uuid|null', volume_type_id: 'uuid', consumes_quota: 'boolean' };

export const SNAPSHOT: Shape = {
  id: 'uuid',
  created_at: 'longtime',
  updated_at: 'longtime|null',
  name: 'string|null',
  description: 'string|null',
  volume_id: 'uuid',
  status: 'string',
  size: 'number',
  metadata: 'object',
  group_snapshot_id: 'null',
  user_id: 'hex',
  consumes_quota: 'boolean',
  'os-extended-snapshot-attributes:project_id': 'hex',
  'os-extended-snapshot-attributes:progress': 'string',
};

/** At 2.1, ACTIVE. */
export const OLD_SERVER: Shape = {
  id: 'uuid',
  name: 'string',
  status: 'string',
  tenant_id: 'hex',
  user_id: 'hex',
  metadata: 'object',
  hostId: 'string',
  image: 'object|string',
  flavor: 'object',
  created: 'time',
  updated: 'time',
  addresses: 'object',
  accessIPv4: 'string',
  accessIPv6: 'string',
  links: 'array',
  'OS-DCF:diskConfig': 'string',
  progress: 'number',
  'OS-EXT-AZ:availability_zone': 'string',
  config_drive: 'string',
  key_name: 'string|null',
  'OS-SRV-USG:launched_at': 'longtime|null',
  'OS-SRV-USG:terminated_at': 'null',
  security_groups: 'array',
  'OS-EXT-STS:task_state': 'string|null',
  'OS-EXT-STS:vm_state': 'string',
  'OS-EXT-STS:power_state': 'number',
  'os-extended-volumes:volumes_attached': 'array',
};

/** At 2.93. */
export const SERVER: Shape = {
  ...OLD_SERVER,
  locked: 'boolean',
  locked_reason: 'null',
  description: 'string|null',
  tags: 'array',
  trusted_image_certificates: 'null',
  'OS-EXT-SRV-ATTR:hostname': 'string',
  server_groups: 'array',
};

export const FLAVOR: Shape = {
  id: 'string',
  name: 'string',
  ram: 'number',
  disk: 'number',
  swap: 'number',
  'OS-FLV-EXT-DATA:ephemeral': 'number',
  'OS-FLV-DISABLED:disabled': 'boolean',
  vcpus: 'number',
  'os-flavor-access:is_public': 'boolean',
  rxtx_factor: 'number',
  links: 'array',
  description: 'string|null',
  extra_specs: 'object',
};
