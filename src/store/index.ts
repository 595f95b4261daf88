import { BaluchonError } from '../errors.ts';
import { directoryStore } from './directory.ts';
import type { Store } from './store.ts';

export { memoryStore } from './memory.ts';
export type { Store } from './store.ts';

/**
 * The store that a URL or path names. Nothing is created before the first `put`.
 * @throws usage for a scheme that is not known.
 */
export async function openStore(url: string): Promise<Store> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (url === '') throw new BaluchonError('usage', 'the vault has no name', { hint: 'give a folder, such as ./vault' });
    return directoryStore(url);
  }
  if (['swift', 's3', 'azure', 'gs'].includes(scheme)) {
    throw new BaluchonError('usage', `${scheme}:// vaults come with a later version`, { hint: 'use a folder for now' });
  }
  throw new BaluchonError('usage', `unknown kind of vault: ${scheme}://`, { hint: 'a vault is a folder, such as ./vault' });
}
