import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { Bytes } from './disk/bytes.ts';
import type { ServiceName } from './http.ts';
import type { AppCredential, Token } from './keystone.ts';
import type { Settings } from './options.ts';

/** Attributes as the service shows them. They are data of many shapes, looked at by name. */
export type Shown = Record<string, any>;

export interface Image {
  id: string;
  /** Glance's own attributes. */
  name: string | null;
  disk_format: string | null;
  container_format: string | null;
  visibility: string;
  protected: boolean;
  min_ram: number;
  min_disk: number;
  os_hidden: boolean;
  owner: string;
  status: 'queued' | 'saving' | 'uploading' | 'importing' | 'active' | 'killed' | 'deleted';
  tags: string[];
  created_at: string;
  updated_at: string;
  size: number | null;
  virtual_size: number | null;
  checksum: string | null;
  os_hash_value: string | null;
  /** What people and services add. */
  properties: Record<string, string>;
  data: Bytes | undefined;
  /** Order of creation. */
  order: number;
}

export interface VolumeAttachment {
  attachment_id: string;
  server_id: string;
  device: string;
  attached_at: string;
}

export interface Volume {
  id: string;
  name: string | null;
  description: string | null;
  status: string;
  /** GiB. */
  size: number;
  availability_zone: string;
  volume_type: string;
  snapshot_id: string | null;
  source_volid: string | null;
  metadata: Record<string, string>;
  imageMetadata: Record<string, string>;
  bootable: boolean;
  multiattach: boolean;
  attachments: VolumeAttachment[];
  created_at: string;
  updated_at: string | null;
  data: Bytes;
  order: number;
}

export interface Snapshot {
  id: string;
  name: string | null;
  description: string | null;
  volume_id: string;
  status: string;
  size: number;
  metadata: Record<string, string>;
  imageMetadata: Record<string, string>;
  bootable: boolean;
  created_at: string;
  updated_at: string | null;
  data: Bytes;
  order: number;
}

/** A disk of a server's that is a volume. */
export interface BlockDevice {
  volumeId: string;
  device: string;
  tag: string | null;
  delete_on_termination: boolean;
  attachment_id: string;
  bdm_uuid: string;
  boot_index: number | null;
}

export interface ServerRecord {
  id: string;
  name: string;
  status: string;
  vm_state: string;
  task_state: string | null;
  power_state: number;
  description: string | null;
  metadata: Record<string, string>;
  tags: string[];
  flavor: Flavor;
  /** Undefined when it boots from a volume. */
  image: string | undefined;
  key_name: string | null;
  config_drive: string;
  user_data: string | null;
  zone: string;
  created: string;
  updated: string;
  launched: string | null;
  hostname: string;
  diskConfig: string;
  locked: boolean;
  devices: BlockDevice[];
  /** Volumes that are kept for it until a host takes it. */
  reserved: Volume[];
  /** Of an image-backed server. */
  root: Bytes | undefined;
  group: string | undefined;
  /** Ports that go when it goes. */
  ownPorts: Set<string>;
  portTags: Map<string, string>;
  fault: { code: number; created: string; message: string } | undefined;
  order: number;
}

export interface Flavor {
  id: string;
  name: string;
  vcpus: number;
  ram: number;
  disk: number;
  ephemeral: number;
  swap: number;
  extra_specs: Record<string, string>;
}

export interface Keypair {
  name: string;
  public_key: string;
  fingerprint: string;
  type: string;
  created_at: string;
  number: number;
}

export interface ServerGroup {
  id: string;
  name: string;
  policy: string;
  rules: Record<string, number>;
}

export interface StoredObject {
  data: Buffer;
  content_type: string;
  etag: string;
  modified: Date;
  metadata: Record<string, string>;
}

export interface Container {
  name: string;
  metadata: Record<string, string>;
  objects: Map<string, StoredObject>;
  created: Date;
}

/** All that one simulated cloud knows. */
export interface World {
  settings: Settings;
  clock: Clock;
  roots: Record<ServiceName, string>;
  authUrl: string;
  projectId: string;
  userId: string;
  /** The provider's own project: it owns the public image and the external network. */
  providerId: string;
  tokens: Map<string, Token>;
  appCredentials: Map<string, AppCredential>;
  images: Map<string, Image>;
  volumes: Map<string, Volume>;
  snapshots: Map<string, Snapshot>;
  volumeTypes: { id: string; name: string; description: string | null }[];
  servers: Map<string, ServerRecord>;
  flavors: Map<string, Flavor>;
  keypairs: Map<string, Keypair>;
  serverGroups: Map<string, ServerGroup>;
  containers: Map<string, Container>;
  networks: Map<string, Shown>;
  subnets: Map<string, Shown>;
  ports: Map<string, Shown>;
  routers: Map<string, Shown>;
  floatingips: Map<string, Shown>;
  groups: Map<string, Shown>;
  rules: Map<string, Shown>;
  /** The host that all servers run on, and the volume service, as opaque ids. */
  hostId: string;
  serviceId: string;
  counter: number;
}

export function makeWorld(settings: Settings, clock: Clock): World {
  const world: World = {
    settings,
    clock,
    roots: {} as World['roots'],
    authUrl: '',
    projectId: hexId(),
    userId: hexId(),
    providerId: hexId(),
    tokens: new Map(),
    appCredentials: new Map(),
    images: new Map(),
    volumes: new Map(),
    snapshots: new Map(),
    volumeTypes: [...settings.volumeTypes.map((name) => ({ id: randomUUID(), name, description: null })), { id: randomUUID(), name: '__DEFAULT__', description: 'Default Volume Type' }],
    servers: new Map(),
    flavors: new Map(),
    keypairs: new Map(),
    serverGroups: new Map(),
    containers: new Map(),
    networks: new Map(),
    subnets: new Map(),
    ports: new Map(),
    routers: new Map(),
    floatingips: new Map(),
    groups: new Map(),
    rules: new Map(),
    hostId: randomBytes(28).toString('hex'),
    serviceId: randomUUID(),
    counter: 0,
  };
  for (const flavor of settings.flavors) {
    const id = randomUUID();
    world.flavors.set(id, { ephemeral: 0, swap: 0, extra_specs: {}, ...flavor, id });
  }
  return world;
}

/** An id as Keystone makes them. */
export function hexId(): string {
  return randomBytes(16).toString('hex');
}

/** Newest first, as Nova, Cinder and Glance list. */
export function newest<T extends { order: number }>(map: Map<string, T>): T[] {
  return [...map.values()].sort((a, b) => b.order - a.order);
}
