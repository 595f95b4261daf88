import { BaluchonError } from '../errors.ts';
import type { ServiceType } from './cloud.ts';

/** The highest microversions whose changes we have read about and provided for. */
export const OURS: Partial<Record<ServiceType, string>> = { compute: '2.100', volume: '3.71' };

/** Negative, zero or positive, as `a` is older than, the same as or newer than `b`: `2.9` is older than `2.10`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  return (left[0] ?? 0) - (right[0] ?? 0) || (left[1] ?? 0) - (right[1] ?? 0);
}

/** The highest that both sides know; undefined where the service has no microversions. */
export function negotiate(type: ServiceType, least: string | undefined, most: string | undefined): string | undefined {
  const ours = OURS[type];
  if (!ours || !most) return undefined;
  if (least && compareVersions(least, ours) > 0) {
    throw new BaluchonError('cloud', `the ${type} service speaks microversions ${least} to ${most} only, and this program up to ${ours}`, { hint: 'a newer version of this program may know them' });
  }
  return compareVersions(most, ours) < 0 ? most : ours;
}

/** The headers that ask for a microversion, Nova's old one included (before 2.27 it knows no other). */
export function microversionHeaders(type: ServiceType, version: string | undefined): Record<string, string> {
  if (version === undefined) return {};
  const headers: Record<string, string> = { 'openstack-api-version': `${type} ${version}` };
  if (type === 'compute') headers['x-openstack-nova-api-version'] = version;
  return headers;
}
