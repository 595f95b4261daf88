import { stat } from 'node:fs/promises';
import { BaluchonError } from '../errors.ts';
import { bucketStore } from './bucket.ts';
import { directoryStore } from './directory.ts';
import { limitStore } from './limit.ts';
import { readPlace } from './place.ts';
import type { Store } from './store.ts';
import type { SwiftAccount } from './swift.ts';
import { tarFileStore } from './tarfile.ts';

export { memoryStore } from './memory.ts';
export type { Store } from './store.ts';
export type { SwiftAccount } from './swift.ts';

export interface StoreOptions {
  /** Credentials of S3, Azure and Google are read from here. Default: the process's. */
  env?: NodeJS.ProcessEnv;
  /** Logs in to the cloud that keeps the container; its name is undefined where the URL has no `?cloud=`. */
  swift?: (cloud: string | undefined) => Promise<SwiftAccount>;
  /** Makes the container or bucket at the first `put` where there is none: for a new vault. */
  create?: boolean;
  /** At most so many bytes a second are put, on average. */
  limitUpload?: number;
}

const isFile = (path: string): Promise<boolean> => stat(path).then((found) => found.isFile(), () => false);

/**
 * The store that a URL or path names: a folder, a `.baluchon` file (read-only), an object store. Nothing is created before the first `put`.
 * @throws usage for a scheme that is not known, or credentials that are not set.
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const store = await choose(url, options);
  return options.limitUpload ? limitStore(store, options.limitUpload) : store;
}

async function choose(url: string, options: StoreOptions): Promise<Store> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  const { create = false, env = process.env } = options;
  switch (scheme) {
    case undefined:
      if (url === '') throw new BaluchonError('usage', 'the vault has no name', { hint: 'give a folder, such as ./vault' });
      return (await isFile(url)) ? tarFileStore(url) : directoryStore(url);
    case 'swift': {
      const place = readPlace(url, ['cloud']);
      if (!options.swift) throw new BaluchonError('usage', `${place.name}: nobody here can log in to a cloud`, { hint: 'give openStore a function that does: its option swift' });
      const { swiftBucket } = await import('./swift.ts');
      return bucketStore(place, await swiftBucket(place, await options.swift(place.parameters['cloud'])), { create });
    }
    case 's3': {
      const place = readPlace(url, ['endpoint', 'region']);
      const { s3Bucket } = await import('./s3.ts');
      return bucketStore(place, await s3Bucket(place, env), { create });
    }
    case 'azure': {
      const place = readPlace(url, ['endpoint']);
      const { azureBucket } = await import('./azure.ts');
      return bucketStore(place, await azureBucket(place, env), { create });
    }
    case 'gs': {
      const place = readPlace(url, []);
      const { googleBucket } = await import('./google.ts');
      return bucketStore(place, await googleBucket(place, env), { create });
    }
    default:
      throw new BaluchonError('usage', `unknown kind of vault: ${scheme}://`, { hint: 'a vault is a folder such as ./vault, or swift://CONTAINER?cloud=NAME' });
  }
}
