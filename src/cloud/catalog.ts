import { BaluchonError } from '../errors.ts';
import type { ServiceType } from './cloud.ts';

/** An entry of the catalog that Keystone sends with a token. */
export interface CatalogEntry {
  type: string;
  name?: string;
  endpoints: { interface: string; region?: string; region_id?: string; url: string }[];
}

/** What each service is called in catalogs, best first (the service types authority's official name and its aliases). */
const aliases: Record<ServiceType, readonly string[]> = {
  identity: ['identity', 'identityv3'],
  compute: ['compute', 'computev21'],
  network: ['network'],
  volume: ['block-storage', 'volumev3', 'volume', 'volumev2', 'block-store'],
  image: ['image', 'imagev2'],
  'object-store': ['object-store'],
};

export interface Choice {
  region: string | undefined;
  /** In order of preference. */
  interfaces: readonly string[];
}

/** All regions that the catalog speaks of, sorted. */
export function regionsOf(catalog: readonly CatalogEntry[]): string[] {
  return [...new Set(catalog.flatMap((entry) => entry.endpoints.map(regionOf)).filter((region) => region !== undefined))].sort();
}

function regionOf(endpoint: CatalogEntry['endpoints'][number]): string | undefined {
  return endpoint.region_id ?? endpoint.region ?? undefined;
}

function endpointsOf(catalog: readonly CatalogEntry[], type: ServiceType): CatalogEntry['endpoints'] {
  return aliases[type].flatMap((alias) => catalog.filter((entry) => entry.type === alias).flatMap((entry) => entry.endpoints));
}

/** The catalog's address of a service, undefined where the region has none. */
export function endpointUrl(catalog: readonly CatalogEntry[], type: ServiceType, { region, interfaces }: Choice): string | undefined {
  const here = endpointsOf(catalog, type).filter((endpoint) => region === undefined || regionOf(endpoint) === region);
  for (const wanted of interfaces) {
    const found = here.find((endpoint) => endpoint.interface?.replace(/URL$/, '') === wanted);
    if (found) return found.url;
  }
  return undefined;
}

/** Why `endpointUrl` found nothing. */
export function noEndpoint(catalog: readonly CatalogEntry[], type: ServiceType, { region, interfaces }: Choice, cloud: string): BaluchonError {
  const all = endpointsOf(catalog, type);
  if (all.length === 0) return new BaluchonError('cloud', `cloud "${cloud}" has no ${type} service`, { hint: `its catalog lists: ${catalog.map((entry) => entry.type).sort().join(', ') || 'nothing'}` });
  const here = all.filter((endpoint) => region === undefined || regionOf(endpoint) === region);
  if (here.length === 0) {
    const regions = [...new Set(all.map(regionOf))].join(', ');
    return new BaluchonError('cloud', `cloud "${cloud}" has no ${type} service in region "${region}"`, { hint: `it has one in: ${regions}` });
  }
  return new BaluchonError('cloud', `cloud "${cloud}" has no ${interfaces.join(' or ')} endpoint for its ${type} service`, { hint: `interface may be: ${[...new Set(here.map((each) => each.interface))].join(', ')}` });
}

/** Throws where the configured region is none of the cloud's. */
export function checkRegion(catalog: readonly CatalogEntry[], region: string | undefined, cloud: string): void {
  const regions = regionsOf(catalog);
  if (region === undefined || regions.length === 0 || regions.includes(region)) return;
  throw new BaluchonError('usage', `cloud "${cloud}" has no region "${region}": there ${regions.length === 1 ? 'is' : 'are'} ${regions.join(', ')}`, { hint: 'set region_name (OS_REGION_NAME); region names are case-sensitive' });
}
