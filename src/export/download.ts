import { createHash, getHashes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { Cloud } from '../cloud/cloud.ts';
import { BaluchonError } from '../errors.ts';
import type { RawImage } from '../kinds/glance.ts';
import { release } from '../memory.ts';

/**
 * Downloads an image into a file and checks it against what the cloud says of it: the length, and the digest where there
 * is one (fact 20: its absence is no failure). Returns the image's format. Nothing is left of a download that failed.
 */
export async function downloadImage(cloud: Cloud, id: string, path: string, options: { signal?: AbortSignal; onProgress?: (done: number, total: number | undefined) => void }): Promise<string> {
  const { signal, onProgress } = options;
  const image = await cloud.service('image');
  const about = await image.get<RawImage>(`/images/${id}`, { signal });
  const told: [string | null | undefined, string | null | undefined][] = [[about.os_hash_algo, about.os_hash_value], ['md5', about.checksum]];
  const [algorithm, expected] = told.find(([name, value]) => name && value && getHashes().includes(name)) ?? [];
  const digest = algorithm ? createHash(algorithm) : undefined;
  const file = await open(path, 'wx', 0o600);
  try {
    const { body } = await image.download(`/images/${id}/file`, { signal });
    let done = 0;
    for await (const part of body) {
      digest?.update(part);
      // Not `write`: on a disk that is nearly full that may write less.
      await file.appendFile(part);
      done += part.length;
      onProgress?.(done, about.size ?? undefined);
      release(part);
    }
    if (about.size !== null && about.size !== done) throw new BaluchonError('cloud', `image ${id}: ${done} bytes came where the cloud tells of ${about.size}`);
    if (digest && digest.digest('hex') !== expected) throw new BaluchonError('cloud', `image ${id} did not arrive as the cloud stores it (${algorithm} differs)`);
  } catch (error) {
    await rm(path, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new BaluchonError('store', `the scratch folder is full: ${path}`, { hint: 'give another with --scratch DIR', cause: error });
    }
    throw error;
  } finally {
    await file.close();
  }
  return about.disk_format ?? 'raw';
}
