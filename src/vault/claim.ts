import { randomBytes } from 'node:crypto';
import { BaluchonError } from '../errors.ts';
import { layout } from './layout.ts';
import { rosterFiles, type OpenedRoster } from './roster.ts';
import type { Session } from './session.ts';

/** A claim this much older than one's own, by the store's clock, is of somebody who never came to an end. */
const expired = 5 * 60_000;

/**
 * Changes the keys while nobody else does. An epoch's files have fixed names, and one that was cut short is cleared away by the next: two at
 * once would clear away each other's. Whoever claims looks only then for others' claims, so that of two at least one sees the other.
 * @throws store where somebody else changes them, or has changed them since the vault was opened: nothing was written then.
 */
export async function claimed<T>({ store }: Session, { roster, superseded }: OpenedRoster, work: () => Promise<T>): Promise<T> {
  const again = `nothing was changed: look with baluchon keys list ${store.name}, and run it again`;
  const own = layout.claim(randomBytes(16).toString('hex'));
  await store.put(own, Buffer.from('keys\n'));
  try {
    const since = (await store.stat(own))?.modified.getTime() ?? 0;
    const others = (await Array.fromAsync(store.list('claims/'))).filter(({ name }) => name !== own);
    const other = others.find(({ modified }) => modified.getTime() > since - expired);
    if (other) throw new BaluchonError('store', `somebody else is changing the keys of ${store.name}: ${other.name}`, { hint: `${again}; a claim that nobody ends counts for 5 minutes` });
    const later = (await rosterFiles(store)).find(({ name, serial }) => serial > roster.serial && !superseded.includes(name));
    if (later) throw new BaluchonError('store', `somebody else changed the keys of ${store.name} meanwhile: ${later.name}`, { hint: again });
    for (const { name } of others) await store.remove(name);
    return await work();
  } finally {
    // Left behind where the store is lost: it expires.
    await store.remove(own).catch(() => {});
  }
}
