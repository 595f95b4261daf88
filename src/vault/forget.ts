import { seal, unsealSigned } from '../keys/index.ts';
import { BaluchonError, isError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { layout, rfc3339 } from './layout.ts';
import type { ManifestFile } from './manifest-files.ts';
import { parsePacks } from './packs-list.ts';
import { requireOwner, type Session } from './session.ts';
import { parseYaml, yaml } from './yaml.ts';

/** A `.forgotten` file: an owner's word that a bundle was removed on purpose. */
export interface Forgotten {
  format: 'baluchon-forgotten/1';
  /** Name of the manifest. */
  bundle: string;
  /** The manifests that it named as previous. */
  previous: string[];
  at: string;
  /** Name of the manifest that says the same in its stead: its packs were repacked. */
  replaced?: string;
}

/**
 * Removes bundles, first leaving an owner's word for each: whoever finds one missing knows that it was meant. What they alone needed stays
 * until a prune. Cut short, the same again goes on.
 * @throws key with a writer's key; store, network.
 */
export async function forgetBundles(session: Session, files: ManifestFile[], options: { now?: Date; replaced?: (file: ManifestFile) => string | undefined } = {}): Promise<void> {
  requireOwner(session);
  const { store } = session;
  if (store.readOnly) throw new BaluchonError('usage', `${store.name} is only read`);
  for (const file of files) {
    const list = layout.packs(file.time, file.id);
    // A damaged list says nothing of what came before; its manifest may.
    const previous = await previousOf(store, list);
    const replaced = options.replaced?.(file);
    const word: Forgotten = { format: 'baluchon-forgotten/1', bundle: file.name, previous, at: rfc3339(options.now ?? new Date()), ...(replaced !== undefined && { replaced }) };
    await store.put(layout.forgotten(file.time, file.id), await seal(Buffer.from(yaml(word)), { secret: session.secrets.index[0]! }, session.signer, session.sealing));
    await store.remove(file.name);
    await store.remove(list);
  }
}

/** What an owner signed of a bundle that is gone; undefined where nobody did. */
export async function readForgotten(session: Session, manifest: string): Promise<Forgotten | undefined> {
  const name = manifest.replace(/pgp$/, 'forgotten');
  if (!(await session.store.stat(name))) return undefined;
  const bytes = await session.store.get(name);
  for (const secret of session.secrets.index) {
    const opened = await unsealSigned(bytes, { secret }, session.epochs);
    if (!opened?.signer) continue;
    const word = parseYaml(opened.data, name) as unknown as Forgotten | null;
    if (word?.format === 'baluchon-forgotten/1' && word.bundle === manifest) return word;
  }
  return undefined;
}

/** The manifests that a list names as previous; none where it is gone or damaged. */
async function previousOf(store: Store, list: string): Promise<string[]> {
  try {
    return parsePacks(await store.get(list), list).previous;
  } catch (error) {
    if (isError(error, 'vault')) return [];
    throw error;
  }
}
