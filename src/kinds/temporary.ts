import { randomBytes } from 'node:crypto';
import type { Cloud, ServiceType } from '../cloud/cloud.ts';
import { waitFor } from '../cloud/wait.ts';
import { BaluchonError, isError } from '../errors.ts';
import type { Emit } from '../events.ts';

export type TemporaryType = 'image' | 'volume' | 'snapshot';

/** What an export or import creates on a cloud for a while: registered as soon as its id is known, removed in every case. */
export interface Temporaries {
  /** A name by which `baluchon cleanup` knows its own: `baluchon-tmp-<run>-<what>`. */
  name(what: string): string;
  /** To be called as soon as the id is known. */
  add(type: TemporaryType, id: string): void;
  /** It has got its own name and is to stay. */
  keep(id: string): void;
  /** Removes it and waits until it is gone; harmless when it is gone already. */
  remove(type: TemporaryType, id: string): Promise<void>;
  /**
   * Removes all that is left, and what bears this run's name though its id never reached us. What can't be removed is
   * warned of and not thrown: it must not hide how the run ended.
   */
  removeAll(): Promise<void>;
}

const PREFIX = 'baluchon-tmp-';

/** Whether a name is one of ours: such things are never part of a tenant. */
export const isTemporary = (name: string | null | undefined): boolean => name?.startsWith(PREFIX) ?? false;

/** Collections in the order in which they can be removed: a volume made from a snapshot goes first. */
const PLACES: Record<TemporaryType, { service: ServiceType; path: string; detail: string; key: string }> = {
  image: { service: 'image', path: '/images', detail: '/images', key: 'images' },
  volume: { service: 'volume', path: '/volumes', detail: '/volumes', key: 'volumes' },
  snapshot: { service: 'volume', path: '/snapshots', detail: '/snapshots', key: 'snapshots' },
};
const TYPES = ['image', 'volume', 'snapshot'] as const;

export interface Temporary {
  type: TemporaryType;
  id: string;
  name: string;
}

/** What earlier runs left on this project: images, volumes and snapshots that bear our name. `run` narrows it to one run. */
export async function findTemporaries(cloud: Cloud, run = ''): Promise<Temporary[]> {
  const found: Temporary[] = [];
  for (const type of TYPES) {
    const place = PLACES[type];
    if (!cloud.has(place.service)) continue;
    const service = await cloud.service(place.service);
    for await (const raw of service.list<{ id: string; name: string | null }>(place.detail, place.key)) {
      // `snapshot for NAME` is how Nova calls the volume snapshots that it takes with an image.
      const name = raw.name?.replace(/^snapshot for /, '') ?? '';
      if (name.startsWith(PREFIX + run)) found.push({ type, id: raw.id, name: raw.name ?? '' });
    }
  }
  return found;
}

/** Removes one and waits until it is gone. While the cloud still works on it (409, or 400 for volumes) it is asked again. */
export async function removeTemporary(cloud: Cloud, { type, id }: Pick<Temporary, 'type' | 'id'>): Promise<void> {
  const place = PLACES[type];
  const service = await cloud.service(place.service);
  const gone = await waitFor(
    `removal of the temporary ${type} ${id}`,
    async () => {
      try {
        await service.delete(`${place.path}/${id}`);
        await service.get(`${place.path}/${id}`);
        return false;
      } catch (error) {
        if (isError(error, 'not-found')) return true;
        if (isError(error, 'conflict') || (error instanceof BaluchonError && error.status === 400)) return false;
        throw error;
      }
    },
    (gone) => gone,
    { stall: 600_000 },
  );
  if (!gone) throw new BaluchonError('cloud', `the temporary ${type} ${id} could not be removed`);
}

const NAMES: Record<TemporaryType, string> = { image: 'image', volume: 'volume', snapshot: 'volume snapshot' };

/** The register of one run. What it removes it removes without the run's signal: cleaning up is what follows a Ctrl-C. */
export function openTemporaries(cloud: Cloud, emit: Emit): Temporaries & { readonly run: string } {
  const run = randomBytes(4).toString('hex');
  const alive = new Map<string, TemporaryType>();
  const remove = async (type: TemporaryType, id: string) => {
    await removeTemporary(cloud, { type, id });
    alive.delete(id);
  };
  return {
    run,
    name: (what) => `${PREFIX}${run}-${what}`.slice(0, 255),
    add: (type, id) => void alive.set(id, type),
    keep: (id) => void alive.delete(id),
    remove,
    async removeAll() {
      let reason: unknown;
      const attempt = async (work: () => Promise<void>) => work().catch((error: unknown) => void (reason ??= error));
      await attempt(async () => {
        for (const { type, id } of await findTemporaries(cloud, `${run}-`)) alive.set(id, type);
      });
      for (const type of TYPES) {
        await Promise.all([...alive].filter(([, t]) => t === type).map(([id]) => attempt(() => remove(type, id))));
      }
      if (reason === undefined) return;
      const left = [...alive].map(([id, type]) => `${NAMES[type]} ${id}`).join(', ');
      const why = reason instanceof Error ? reason.message : String(reason);
      emit({ type: 'warning', message: `temporary resources may be left on ${cloud.name}${left === '' ? '' : ` (${left})`}: ${why}; \`baluchon cleanup\` removes them` });
    },
  };
}
