import { createHash } from 'node:crypto';
import type { DiskDocument, Document, JsonObject } from '../../src/tenant/document.ts';
import type { Source } from '../../src/vault/index.ts';

/** What is in the frozen vault fixtures/vault-1. Never change it: a later format gets a vault of its own. */

const chunk = 262144;

/** `length` bytes that no compressor shrinks: SHA-256 of "<seed>:0", "<seed>:1", ... */
function noise(length: number, seed: string): Buffer {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, count) => createHash('sha256').update(`${seed}:${count}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

/** `length` bytes that compress: "<seed> <count>\n". */
function lines(length: number, seed: string): Buffer {
  const parts: string[] = [];
  for (let count = 0, size = 0; size < length; count++) {
    parts.push(`${seed} ${count}\n`);
    size += parts.at(-1)!.length;
  }
  return Buffer.from(parts.join('')).subarray(0, length);
}

const source: Source = { cloud: 'alpha', region: 'RegionAlpha', project: { id: '8f4a', name: 'miop' }, services: { compute: { version: '2.1', microversion: '2.93' } } };

const documents: Document[] = [
  { kind: 'network', id: 'network-0a1b2c3d4e5f', name: 'miop-net', params: { mtu: 1442, tags: [] }, refs: {}, info: { id: 'c0ffee' } },
  { kind: 'server', id: 'server-00112233aabb', name: 'mysql-primary', params: { flavor: 'flavor-1', ports: ['port-1'], user_data: null }, refs: { '/flavor': 'flavor', '/ports/0': 'port' }, info: { status: 'ACTIVE' } },
  { kind: 'volume', id: 'volume-ffeeddccbbaa', name: '数据 "1e5"\n', params: { size: 1, metadata: { yes: 'no', '0x1f': '~' } }, refs: {}, info: {} },
  { kind: 'hologram', id: 'hologram-1', name: '', params: { of: [1, 2.5, true, null, { deep: [] }] }, refs: {}, info: {} },
];

const about = (kind: 'server' | 'volume', id: string, size: number): DiskDocument => ({ id, kind, name: id, size, source_format: 'qcow2', consistency: 'crash', taken_at: '2026-11-21T12:00:00Z' });

const server = Buffer.concat([lines(chunk + 100, 'boot'), Buffer.alloc(chunk * 3), noise(1000, 'root')]);
/** 1,030 chunks: two pages and one above them. */
const volume = Buffer.concat([noise(5000, 'first'), Buffer.alloc(chunk * 1028), lines(chunk, 'last'), Buffer.from([1])]);
const changed = Buffer.from(volume);
changed.write('changed', 17);

export interface FrozenBundle {
  source: Source;
  documents: Document[];
  notes: JsonObject;
  disks: { about: DiskDocument; bytes: Buffer }[];
}

export const bundles: FrozenBundle[] = [
  {
    source,
    documents,
    notes: { unknown: ['user_data of mysql-primary'] },
    disks: [
      { about: about('server', 'server-00112233aabb', server.length), bytes: server },
      { about: about('volume', 'volume-ffeeddccbbaa', volume.length), bytes: volume },
      { about: about('volume', 'volume-000000000000', chunk * 2), bytes: Buffer.alloc(chunk * 2) },
    ],
  },
  { source, documents: documents.slice(1), notes: {}, disks: [{ about: about('volume', 'volume-ffeeddccbbaa', changed.length), bytes: changed }] },
];
