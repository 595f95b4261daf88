import { htmlError, Refusal } from '../http.ts';
import { python } from '../versions.ts';
import type { Image, World } from '../world.ts';

const TITLES: Record<number, string> = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 409: 'Conflict', 413: 'Request Entity Too Large', 415: 'Unsupported Media Type' };
export const refuse = (status: number, text: string, detail = ''): Refusal => new Refusal(htmlError(status, TITLES[status]!, text, detail));

const DISK_FORMATS = [null, 'ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'];
const CONTAINER_FORMATS = [null, 'ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'];
export const SETTABLE: Record<string, (value: unknown) => string | undefined> = {
  id: (value) => (typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? undefined : `${python(value)} does not match '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'`),
  name: orNull('string'),
  visibility: oneOf(['community', 'public', 'private', 'shared']),
  protected: ofType('boolean'),
  os_hidden: ofType('boolean'),
  owner: orNull('string'),
  container_format: oneOf(CONTAINER_FORMATS),
  disk_format: oneOf(DISK_FORMATS),
  min_ram: ofType('number', 'integer'),
  min_disk: ofType('number', 'integer'),
  tags: (value) => (Array.isArray(value) && value.every((tag) => typeof tag === 'string') ? undefined : `${python(value)} is not of type 'array'`),
};
export const READ_ONLY = ['status', 'checksum', 'os_hash_algo', 'os_hash_value', 'size', 'virtual_size', 'created_at', 'updated_at', 'self', 'file', 'schema', 'direct_url', 'locations', 'stores'];

export function checkAttributes(world: World, body: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(body)) {
    if (READ_ONLY.includes(key)) throw refuse(403, `Attribute '${key}' is read-only.`);
    if (key.startsWith('os_glance')) throw refuse(403, 'Access was denied to this resource.', `Attribute '${key}' is reserved.`);
    const problem = key in SETTABLE ? SETTABLE[key]!(value) : typeof value === 'string' ? undefined : `${python(value)} is not of type 'string'`;
    if (problem) throw refuse(400, `Provided object does not match schema 'image': ${problem}\n\nFailed validating in schema[${key in SETTABLE ? `'properties'][${python(key)}` : "'additionalProperties'"}]`);
  }
  if (body['visibility'] === 'public') throw refuse(403, 'You are not authorized to complete publicize_image action.');
  if (body['owner'] !== undefined && body['owner'] !== world.projectId) throw refuse(403, `You are not permitted to create images owned by '${body['owner'] as string}'.`);
}

export function pick(body: Record<string, unknown>): Partial<Image> {
  return Object.fromEntries(Object.entries(body).filter(([key]) => key in SETTABLE));
}

export function propertiesOf(body: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !(key in SETTABLE))) as Record<string, string>;
}

function oneOf(values: unknown[]): (value: unknown) => string | undefined {
  return (value) => (values.includes(value) ? undefined : `${python(value)} is not one of ${python(values)}`);
}

function ofType(type: string, name = type): (value: unknown) => string | undefined {
  return (value) => (typeof value === type ? undefined : `${python(value)} is not of type '${name}'`);
}

function orNull(type: string): (value: unknown) => string | undefined {
  return (value) => (value === null || typeof value === type ? undefined : `${python(value)} is not of type 'null', '${type}'`);
}
