import { isIP } from 'node:net';
import { Refusal, type Reply } from '../http.ts';
import { python } from '../versions.ts';
import { parseCidr } from './addresses.ts';

export function neutronError(status: number, type: string, message: string): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: { NeutronError: { type, message, detail: '' } } };
}

export const refuse = (status: number, type: string, message: string): Refusal => new Refusal(neutronError(status, type, message));
export const badRequest = (message: string): Refusal => refuse(400, 'HTTPBadRequest', message);
export const badInput = (message: string): Refusal => refuse(400, 'InvalidInput', `Invalid input for operation: ${message}`);
export const denied = (rule: string): Refusal => refuse(403, 'PolicyNotAuthorized', `${rule} is disallowed by policy`);

/** What Neutron knows of an attribute. */
export interface Attribute {
  /** Accepted on creation, on update. */
  post?: boolean;
  put?: boolean;
  /** Only administrators may give it. */
  admin?: 'post' | 'put' | 'both';
  /** Value of those not given. */
  default?: unknown;
  required?: boolean;
  /** Says what is wrong with a value. */
  check?(value: unknown): string | undefined;
  /** Only there with this extension. */
  extension?: string;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? undefined : `'${python(value, false)}' is not a valid string.`);
const flag = (value: unknown): string | undefined => ([true, false, 'true', 'false', 'True', 'False', 0, 1].includes(value as string) ? undefined : `'${python(value, false)}' cannot be converted to boolean.`);
const uuid = (value: unknown): string | undefined => (typeof value === 'string' && /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(value) ? undefined : `'${python(value, false)}' is not a valid UUID.`);
const mac = (value: unknown): string | undefined => (typeof value === 'string' && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value) ? undefined : `'${python(value, false)}' is not a valid MAC address.`);
const address = (value: unknown): string | undefined => (typeof value === 'string' && isIP(value) ? undefined : `'${python(value, false)}' is not a valid IP address.`);
const list = (value: unknown): string | undefined => (Array.isArray(value) ? undefined : `'${python(value, false)}' is not a list.`);
const number = (value: unknown): string | undefined => (Number.isInteger(Number(value)) && value !== null && value !== '' ? undefined : `'${python(value, false)}' is not an integer.`);
const values = (...good: unknown[]) => (value: unknown): string | undefined => (good.includes(value) ? undefined : `${python(value, false)} is not in valid_values.`);
const orNull = (check: (value: unknown) => string | undefined) => (value: unknown): string | undefined => (value === null ? undefined : check(value));

const SHOWN: Attribute = {};
const TEXT: Attribute = { post: true, put: true, default: '', check: text };
const STANDARD: Record<string, Attribute> = {
  id: SHOWN,
  name: TEXT,
  description: TEXT,
  project_id: { post: true, check: text },
  tenant_id: { post: true, check: text },
  status: SHOWN,
  created_at: SHOWN,
  updated_at: SHOWN,
  revision_number: SHOWN,
  tags: SHOWN,
};
const ADMIN: Attribute = { post: true, put: true, admin: 'both' };

export const ATTRIBUTES: Record<string, Record<string, Attribute>> = {
  network: {
    ...STANDARD,
    admin_state_up: { post: true, put: true, default: true, check: flag },
    mtu: { post: true, put: true, check: number, extension: 'net-mtu' },
    subnets: SHOWN,
    shared: { ...ADMIN, check: flag },
    'router:external': { ...ADMIN, check: flag },
    is_default: { ...ADMIN, check: flag },
    port_security_enabled: { post: true, put: true, default: true, check: flag, extension: 'port-security' },
    availability_zone_hints: { post: true, default: [], check: list },
    availability_zones: SHOWN,
    ipv4_address_scope: SHOWN,
    ipv6_address_scope: SHOWN,
    'provider:network_type': ADMIN,
    'provider:physical_network': ADMIN,
    'provider:segmentation_id': ADMIN,
    segments: ADMIN,
    dns_domain: { post: true, put: true, default: '', check: text, extension: 'dns-integration' },
    qos_policy_id: { post: true, put: true, default: null, extension: 'qos' },
  },
  subnet: {
    ...STANDARD,
    network_id: { post: true, required: true, check: uuid },
    ip_version: { post: true, required: true, check: (value) => values(4, 6)(Number(value)) },
    cidr: { post: true, check: (value) => (parseCidr(String(value)) ? undefined : undefined) },
    gateway_ip: { post: true, put: true, check: orNull(address) },
    enable_dhcp: { post: true, put: true, default: true, check: flag },
    allocation_pools: { post: true, put: true, check: list },
    dns_nameservers: { post: true, put: true, default: [], check: list },
    host_routes: { post: true, put: true, default: [], check: list },
    ipv6_ra_mode: { post: true, default: null, check: orNull(values('dhcpv6-stateful', 'dhcpv6-stateless', 'slaac')) },
    ipv6_address_mode: { post: true, default: null, check: orNull(values('dhcpv6-stateful', 'dhcpv6-stateless', 'slaac')) },
    subnetpool_id: { post: true, default: null },
    prefixlen: { post: true },
    use_default_subnetpool: { post: true },
    service_types: { post: true, put: true, default: [], check: list },
    shared: SHOWN,
    segment_id: { ...ADMIN, extension: 'segment' },
    dns_publish_fixed_ip: { post: true, put: true, default: false, check: flag, extension: 'subnet-dns-publish-fixed-ip' },
  },
  port: {
    ...STANDARD,
    network_id: { post: true, required: true, check: uuid },
    admin_state_up: { post: true, put: true, default: true, check: flag },
    mac_address: { post: true, put: true, admin: 'put', check: mac },
    fixed_ips: { post: true, put: true, check: list },
    device_id: { post: true, put: true, default: '', check: text },
    device_owner: { post: true, put: true, default: '', check: text },
    security_groups: { post: true, put: true, check: orNull(list) },
    allowed_address_pairs: { post: true, put: true, default: [], check: orNull(list) },
    extra_dhcp_opts: { post: true, put: true, default: [], check: orNull(list) },
    port_security_enabled: { post: true, put: true, check: flag, extension: 'port-security' },
    'binding:vnic_type': { post: true, put: true, default: 'normal', check: values('normal', 'direct', 'direct-physical', 'macvtap', 'baremetal', 'virtio-forwarder', 'smart-nic', 'vdpa', 'accelerator-direct', 'accelerator-direct-physical', 'remote-managed') },
    'binding:host_id': ADMIN,
    'binding:profile': ADMIN,
    'binding:vif_type': SHOWN,
    'binding:vif_details': SHOWN,
    tags: { post: true },
    dns_name: { post: true, put: true, default: '', check: text, extension: 'dns-integration' },
    qos_policy_id: { post: true, put: true, default: null, extension: 'qos' },
  },
  router: {
    ...STANDARD,
    admin_state_up: { post: true, put: true, default: true, check: flag },
    external_gateway_info: { post: true, put: true, default: null },
    routes: { put: true, check: list },
    availability_zone_hints: { post: true, default: [], check: list },
    availability_zones: SHOWN,
    flavor_id: { post: true, default: null },
    ha: { ...ADMIN, check: flag },
    distributed: { ...ADMIN, check: flag },
    enable_ndp_proxy: { post: true, put: true, extension: 'l3-ndp-proxy' },
  },
  floatingip: {
    ...STANDARD,
    name: SHOWN,
    floating_network_id: { post: true, required: true, check: uuid },
    floating_ip_address: { post: true, admin: 'post', check: address },
    subnet_id: { post: true, check: uuid },
    port_id: { post: true, put: true, check: orNull(uuid) },
    fixed_ip_address: { post: true, put: true, check: orNull(address) },
    router_id: SHOWN,
    port_details: SHOWN,
    dns_name: { post: true, default: '', check: text, extension: 'dns-integration' },
    dns_domain: { post: true, default: '', check: text, extension: 'dns-integration' },
    qos_policy_id: { post: true, put: true, default: null, extension: 'qos' },
  },
  security_group: {
    ...STANDARD,
    status: SHOWN,
    stateful: { post: true, put: true, default: true, check: flag, extension: 'stateful-security-group' },
    security_group_rules: SHOWN,
    shared: SHOWN,
  },
  security_group_rule: {
    ...STANDARD,
    name: SHOWN,
    description: { post: true, default: '', check: text },
    security_group_id: { post: true, required: true, check: uuid },
    direction: { post: true, required: true, check: values('ingress', 'egress') },
    ethertype: { post: true, default: 'IPv4', check: values('IPv4', 'IPv6') },
    protocol: { post: true, default: null },
    port_range_min: { post: true, default: null, check: orNull(number) },
    port_range_max: { post: true, default: null, check: orNull(number) },
    remote_ip_prefix: { post: true, default: null, check: orNull((value) => (parseCidr(String(value)) ? undefined : `'${String(value)}' is not a valid IP subnet.`)) },
    remote_group_id: { post: true, default: null, check: orNull(uuid) },
    remote_address_group_id: { post: true, default: null, check: orNull(uuid) },
    normalized_cidr: SHOWN,
  },
};

/** Checks a body as Neutron's API layer does before any plugin sees it; gives the attributes, defaults filled in on creation. `allowed`: what this cloud's policy lets members give all the same. */
export function checkBody(resource: string, body: unknown, how: 'post' | 'put', projectId: string, extensions: ReadonlySet<string>, allowed: readonly string[] = []): Record<string, any> {
  const table = ATTRIBUTES[resource]!;
  const given = (body as Record<string, unknown> | undefined)?.[resource];
  if (!given || typeof given !== 'object') throw badRequest(`Unable to find '${resource}' in request body`);
  const known = (key: string): Attribute | undefined => {
    const attribute = Object.hasOwn(table, key) ? table[key] : undefined;
    return attribute?.extension !== undefined && !extensions.has(attribute.extension) ? undefined : attribute;
  };
  const entries = Object.entries(given);
  const strange = entries.filter(([key]) => !known(key)).map(([key]) => key);
  if (strange.length > 0) throw badRequest(`Unrecognized attribute(s) '${strange.join(', ')}'`);
  for (const [key] of entries) {
    if (how === 'post' && !table[key]!.post) throw badRequest(`Attribute '${key}' not allowed in POST`);
    if (how === 'put' && !table[key]!.put) throw badRequest(`Cannot update read-only attribute ${key}`);
  }
  if (how === 'post') {
    for (const key of ['project_id', 'tenant_id']) {
      const value = (given as Record<string, unknown>)[key];
      if (value !== undefined && value !== projectId) throw badRequest("Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or advsvc privileges");
    }
    for (const [key, { required }] of Object.entries(table)) {
      if (required && !(key in given)) throw badRequest(`Failed to parse request. Required attribute '${key}' not specified`);
    }
  }
  for (const [key, value] of entries) {
    const problem = table[key]!.check?.(value);
    if (problem !== undefined) throw badRequest(`Invalid input for ${key}. Reason: ${problem}`);
  }
  for (const [key] of entries) {
    const { admin } = table[key]!;
    const action = how === 'post' ? 'create' : 'update';
    if ((admin === 'both' || admin === how) && !allowed.includes(`${resource}:${key}`)) throw denied(`(rule:${action}_${resource} and rule:${action}_${resource}:${key})`);
  }
  const result: Record<string, any> = {};
  if (how === 'post') for (const [key, attribute] of Object.entries(table)) if (attribute.default !== undefined && known(key)) result[key] = structuredClone(attribute.default);
  Object.assign(result, given);
  for (const [key, value] of Object.entries(result)) if (table[key]!.check === flag) result[key] = value === true || value === 1 || value === 'true' || value === 'True';
  return result;
}
