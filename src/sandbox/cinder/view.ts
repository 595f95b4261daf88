import type { Request } from '../http.ts';
import type { Microversion } from '../versions.ts';
import type { Snapshot, Volume, World } from '../world.ts';

export function links(world: World, request: Request, id: string): object[] {
  return [
    { rel: 'self', href: `${request.root}/v3/${world.projectId}/volumes/${id}` },
    { rel: 'bookmark', href: `${request.root}/${world.projectId}/volumes/${id}` },
  ];
}

export function showVolume(world: World, volume: Volume, { minor }: Microversion, request: Request, fresh = false): object {
  const type = world.volumeTypes.find((one) => one.name === volume.volume_type)!;
  const placed = volume.status !== 'creating' && volume.status !== 'error';
  return {
    id: volume.id,
    status: volume.status,
    size: volume.size,
    availability_zone: volume.availability_zone,
    created_at: volume.created_at,
    updated_at: volume.updated_at,
    name: volume.name,
    description: volume.description,
    volume_type: volume.volume_type,
    snapshot_id: volume.snapshot_id,
    source_volid: volume.source_volid,
    metadata: volume.metadata,
    links: links(world, request, volume.id),
    user_id: world.userId,
    bootable: String(volume.bootable),
    encrypted: false,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: volume.multiattach,
    attachments: volume.attachments.map((one) => ({ id: volume.id, attachment_id: one.attachment_id, volume_id: volume.id, server_id: one.server_id, host_name: null, device: one.device, attached_at: one.attached_at })),
    ...(minor >= 13 ? { group_id: null } : {}),
    ...(minor >= 48 ? { shared_targets: !placed, service_uuid: placed ? world.serviceId : null } : {}),
    ...(minor >= 63 ? { volume_type_id: type.id } : {}),
    ...(minor >= 65 ? { consumes_quota: true } : {}),
    ...(fresh ? {} : { 'os-vol-tenant-attr:tenant_id': world.projectId }),
    ...(!fresh && Object.keys(volume.imageMetadata).length > 0 ? { volume_image_metadata: volume.imageMetadata } : {}),
  };
}

export function showSnapshot(world: World, snapshot: Snapshot, { minor }: Microversion, brief = false): object {
  return {
    id: snapshot.id,
    created_at: snapshot.created_at,
    updated_at: snapshot.updated_at,
    name: snapshot.name,
    description: snapshot.description,
    volume_id: snapshot.volume_id,
    status: snapshot.status,
    size: snapshot.size,
    metadata: snapshot.metadata,
    ...(minor >= 14 ? { group_snapshot_id: null } : {}),
    ...(minor >= 41 ? { user_id: world.userId } : {}),
    ...(minor >= 65 ? { consumes_quota: true } : {}),
    ...(brief ? {} : { 'os-extended-snapshot-attributes:project_id': world.projectId, 'os-extended-snapshot-attributes:progress': snapshot.status === 'available' ? '100%' : '0%' }),
  };
}

export function showType(type: World['volumeTypes'][number], access = true): object {
  return { id: type.id, name: type.name, is_public: true, description: type.description, extra_specs: {}, ...(access ? { 'os-volume-type-access:is_public': true } : {}) };
}
