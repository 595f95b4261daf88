import { BaluchonError, isError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { expandTime, patterns } from './layout.ts';
import { openManifest, type OpenedManifest, type What } from './manifest.ts';
import { ordered } from './queue.ts';
import { requireOwner, type Session } from './session.ts';

/** Manifests read at once: a vault may be far away. */
export const together = 16;

export interface ManifestFile {
  name: string;
  time: string;
  id: string;
}

export interface OpenedFile extends OpenedManifest {
  file: ManifestFile;
}

/** Names of all manifests, oldest first. */
export async function manifestFiles(store: Store): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for await (const name of store.names('bundles/')) {
    const match = patterns.manifest.exec(name);
    if (match) files.push({ name, time: match[1]!, id: match[2]! });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function readManifest(session: Session, file: ManifestFile, what?: What): Promise<OpenedManifest> {
  requireOwner(session);
  return openManifest(await session.store.get(file.name), file, session.secrets.keys, session.trust, session.header.vault, what);
}

/** Of each file what is in it, in the files' order; `refused` is told of those that are not as they should be. Without it the first such one is thrown. */
export async function* readManifests(session: Session, files: readonly ManifestFile[], refused?: (error: BaluchonError) => void, what?: What): AsyncGenerator<OpenedFile> {
  const read = async (file: ManifestFile): Promise<OpenedFile | { error: BaluchonError }> => {
    try {
      return { file, ...(await readManifest(session, file, what)) };
    } catch (error) {
      if (!refused || !isError(error, 'vault')) throw error;
      return { error };
    }
  };
  for await (const found of ordered(files, together, read)) {
    if ('error' in found) refused!(found.error);
    else yield found;
  }
}

/**
 * The manifest that `ref` names: `latest`, an id, a prefix of one of 4 or more digits, or a date.
 * @throws usage where it names none, or several.
 */
export function chooseManifest(files: ManifestFile[], ref: string, where: string): ManifestFile {
  const hint = `baluchon list ${where} names them`;
  const latest = files.at(-1);
  if (!latest) throw new BaluchonError('usage', `${where} holds no bundle yet`, { hint: 'baluchon export makes one' });
  if (ref === 'latest' || ref === '') return latest;
  if (/^[0-9a-f]{4,32}$/.test(ref)) {
    const found = files.filter((file) => file.id.startsWith(ref));
    if (found.length > 1) throw new BaluchonError('usage', `${where}: ${found.length} bundles begin with ${ref}`, { hint });
    if (found[0]) return found[0];
  }
  // A day means all of it; anything else is a moment. Without a zone it is UTC, as all times of a bundle are.
  const day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(ref);
  const zoned = day ? `${ref}T23:59:59Z` : /(Z|[+-][0-9]{2}:?[0-9]{2})$/.test(ref) ? ref : `${ref}Z`;
  const moment = /^[0-9]{4}-/.test(ref) ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(moment)) throw new BaluchonError('usage', `${where}: no bundle ${ref}`, { hint });
  const found = files.findLast((file) => Date.parse(expandTime(file.time)) <= moment);
  if (!found) throw new BaluchonError('usage', `${where}: no bundle at or before ${ref}`, { hint });
  return found;
}
