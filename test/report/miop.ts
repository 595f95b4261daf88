import type { DiskDocument, Document, JsonObject } from '../../src/tenant/document.ts';
import type { BundleInfo } from '../../src/vault/types.ts';

const document = (kind: string, id: string, name: string, params: JsonObject, refs: Record<string, string> = {}, info: JsonObject = {}): Document => ({ kind, id: `${kind}-${id}`, name, params, refs, info });

/** The talk's tenant in small, with the names people really use: empty, double, Japanese, and one made to hurt a terminal. */
export const documents: Document[] = [
  document('network', '0a0000000001', 'miop-net', { mtu: 1450 }),
  document('network', '0a0000000002', 'ext-net', { external: true }),
  document('subnet', '0b0000000001', 'miop-subnet', { network_id: 'network-0a0000000001', cidr: '10.1.0.0/24', gateway_ip: '10.1.0.1', dns_nameservers: ['9.9.9.9'], enable_dhcp: true }, { '/network_id': 'network' }),
  document('router', '0c0000000001', 'miop-router', { gateway: { network_id: 'network-0a0000000002' }, interfaces: [{ subnet_id: 'subnet-0b0000000001', ip_address: '10.1.0.1' }] }, { '/gateway/network_id': 'network', '/interfaces/0/subnet_id': 'subnet' }),
  document('security-group', '0d0000000001', 'web', {
    rules: [
      { direction: 'egress', ethertype: 'IPv4' },
      { direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: 80, port_range_max: 80, remote_ip_prefix: '0.0.0.0/0' },
      { direction: 'ingress', ethertype: 'IPv4', protocol: 'icmp' },
    ],
  }),
  document('security-group', '0d0000000002', 'db', { rules: [{ direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp', port_range_min: 3306, port_range_max: 3306, remote_group_id: 'security-group-0d0000000001' }] }, { '/rules/0/remote_group_id': 'security-group' }),
  port('1', '', '10.1.0.11', '0d0000000002'),
  port('2', '', '10.1.0.12', '0d0000000002'),
  port('3', 'haproxy-port', '10.1.0.10', '0d0000000001', ['10.1.0.100']),
  port('4', 'vip-port', '10.1.0.100', '0d0000000001'),
  document('flavor', '0f0000000001', 'm1.nano', { vcpus: 1, ram: 96, disk: 1 }),
  document('image', '020000000001', 'tinyweb', { visibility: 'public', min_disk: 0 }),
  document('keypair', '030000000001', 'demo', { type: 'ssh', fingerprint: '5c:6e:ab' }),
  server('1', 'mysql', 'port-0e0000000001', 'volume-050000000001'),
  server('2', 'mysql', 'port-0e0000000002'),
  server('3', '負荷分散', 'port-0e0000000003'),
  document('volume', '050000000001', 'mysql-storage', { size: 1, volume_type: 'classic' }, {}, { attached_to: [{ server_id: 'x', device: '/dev/vdb' }] }),
  document('volume', '050000000002', '\u001b]0;owned\u0007\u001b[2J\u202ecod.exe', { size: 2, bootable: true }),
  document('volume-snapshot', '060000000001', 'mysql-storage-snap', { volume_id: 'volume-050000000001', size: 1 }, { '/volume_id': 'volume' }),
  document('floating-ip', '070000000001', '198.51.100.17', { floating_network_id: 'network-0a0000000002', port_id: 'port-0e0000000003' }, { '/floating_network_id': 'network', '/port_id': 'port' }),
  document('floating-ip', '070000000002', '198.51.100.99', { floating_network_id: 'network-0a0000000002', description: 'spare' }, { '/floating_network_id': 'network' }),
  document('load-balancer', '080000000001', 'of a later version', { vip_subnet_id: 'subnet-0b0000000001' }, { '/vip_subnet_id': 'subnet' }),
];

export const disks: (DiskDocument & { data_bytes: number })[] = [
  { id: 'server-040000000001', kind: 'server', name: 'mysql', size: 2 ** 30, data_bytes: 61 * 2 ** 20, source_format: 'qcow2', consistency: 'crash', taken_at: '2026-11-21T12:30:00Z' },
  { id: 'volume-050000000001', kind: 'volume', name: 'mysql-storage', size: 2 ** 30, data_bytes: 3 * 2 ** 20, source_format: 'raw', consistency: 'crash', taken_at: '2026-11-21T12:30:00Z' },
];

export const info: BundleInfo = {
  id: '3f2a9c017be4d5a0',
  created: '2026-11-21T12:31:07Z',
  source: { cloud: 'alpha', region: 'RegionAlpha', project: { id: 'a1', name: 'miop' }, services: {} },
  counts: { network: 2, server: 3, 'floating-ip': 2, volume: 2 },
  disk_bytes: 2 ** 31,
  added_bytes: 21 * 2 ** 20,
};

function port(id: string, name: string, address: string, group: string, also: string[] = []): Document {
  return document('port', `0e000000000${id}`, name, {
    network_id: 'network-0a0000000001',
    fixed_ips: [{ subnet_id: 'subnet-0b0000000001', ip_address: address }],
    mac_address: `fa:16:3e:00:00:0${id}`,
    security_groups: [`security-group-${group}`],
    allowed_address_pairs: also.map((ip_address) => ({ ip_address })),
    port_security_enabled: true,
  }, { '/network_id': 'network', '/fixed_ips/0/subnet_id': 'subnet', '/security_groups/0': 'security-group' });
}

function server(id: string, name: string, portId: string, volumeId?: string): Document {
  return document('server', `04000000000${id}`, name, {
    flavor: 'flavor-0f0000000001',
    image: 'image-020000000001',
    key: 'keypair-030000000001',
    networks: [{ port: portId }],
    ...(volumeId !== undefined && { volumes: [{ volume: volumeId }] }),
  }, { '/flavor': 'flavor', '/image': 'image', '/key': 'keypair', '/networks/0/port': 'port', ...(volumeId !== undefined && { '/volumes/0/volume': 'volume' }) });
}
