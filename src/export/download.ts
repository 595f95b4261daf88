import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { Cloud } from '../cloud/cloud.ts';
import { BaluchonError } from '../errors.ts';
import type { RawImage } from '../kinds/glance.ts';

/**
 * Downloads an image into a file and checks it against what the cloud says of it: the length, and the digest where there
 * is one (fact 20: its absence is no failure). Returns the image's format. Nothing is left of a download that failed.
 */
export async function downloadImage(cloud: Cloud, id: string, path: string, options: { signal?: AbortSignal; onProgress?: (done: number, total: number | undefined) => void }): Promise<string> {
  const { signal, onProgress } = options;
  const image = await cloud.service('image');
  const about = await image.get<RawImage>(`/images/${id}`, { signal });
  const algorithm = about.os_hash_algo && about.os_hash_value ? about.os_hash_algo : about.checksum ? 'md5' : undefined;
  const digest = algorithm === undefined ? undefined : createHash(algorithm);
  const file = await open(path, 'wx', 0o600);
  try {
    const { body } = await image.download(`/images/${id}/file`, { signal });
    let done = 0;
    for await (const part of body) {
      digest?.update(part);
      await file.write(part);
      onProgress?.((done += part.length), about.size ?? undefined);
    }
    if (about.size !== null && about.size !== done) throw new BaluchonError('cloud', `image ${id}: ${done} bytes came where the cloud tells of ${about.size}`);
    const expected = algorithm === 'md5' ? about.checksum : about.os_hash_value;
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
