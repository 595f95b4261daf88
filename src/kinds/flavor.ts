import type { JsonObject } from '../tenant/document.ts';
import type { Kind } from './kind.ts';
import schema from '../../schemas/flavor.json' with { type: 'json' };

/** As embedded in a server from 2.47 on; `id` only where it comes from `GET /flavors/detail`. */
export interface RawFlavor {
  id?: string;
  original_name: string;
  vcpus: number;
  ram: number;
  disk: number;
  ephemeral: number;
  swap: number;
  extra_specs?: Record<string, string>;
}

/** A flavor as a list shows it, in the shape of the embedded one. `swap` is `""` for none there. */
export function fromList(raw: any): RawFlavor {
  return {
    id: raw.id,
    original_name: raw.name,
    vcpus: raw.vcpus,
    ram: raw.ram,
    disk: raw.disk,
    ephemeral: raw['OS-FLV-EXT-DATA:ephemeral'] ?? 0,
    swap: Number(raw.swap || 0),
    extra_specs: raw.extra_specs,
  };
}

/** What a server needs. Never created: making flavors takes an admin. Its name identifies it, ids are hidden from 2.47 on. */
export const flavor: Kind<RawFlavor> = {
  name: 'flavor',
  schema,
  refs: {},
  async *list() {},
  async *offers(cloud) {
    if (!cloud.has('compute')) return;
    const compute = await cloud.service('compute');
    for await (const raw of compute.list<any>('/flavors/detail', 'flavors')) {
      if (!raw['OS-FLV-DISABLED:disabled']) yield fromList(raw);
    }
  },
  key: (raw) => raw.original_name,
  toDocument: (raw) => ({
    name: raw.original_name,
    params: {
      name: raw.original_name,
      vcpus: raw.vcpus,
      ram: raw.ram,
      disk: raw.disk,
      ephemeral: raw.ephemeral,
      swap: raw.swap,
      extra_specs: { ...raw.extra_specs },
    },
    info: { ...(raw.id !== undefined && { id: raw.id }) },
  }),
  foreign: () => true,
  rank: (wanted, offer) => rankFlavor(wanted.params, offer.params),
};

/** The smallest that is at least as large everywhere; among equals the one of the same name and extra specs. */
function rankFlavor(wanted: any, offer: any): { cost: number; reason: string } | undefined {
  const sizes = ['vcpus', 'ram', 'disk', 'ephemeral', 'swap'] as const;
  // A disk of 0 takes the image's size: it fits any root disk.
  const fits = sizes.every((size) => offer[size] >= wanted[size] || (size === 'disk' && offer.disk === 0));
  if (!fits) return undefined;
  const excess = sizes.reduce((sum, size) => sum + (offer[size] - wanted[size]) / Math.max(1, wanted[size]), 0);
  const specs = (params: JsonObject) => JSON.stringify(Object.entries(params.extra_specs ?? {}).sort());
  const otherSpecs = specs(wanted) === specs(offer) ? 0 : 0.5;
  const otherName = wanted.name === offer.name ? 0 : 0.1;
  const shape = `${offer.vcpus} vCPU, ${offer.ram} MiB, ${offer.disk} GiB`;
  return { cost: Math.max(0, excess) + otherSpecs + otherName, reason: excess === 0 ? `same size (${shape})` : `the smallest that fits (${shape})` };
}
