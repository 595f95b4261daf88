import type { ImageFormat } from './open.ts';
import { examine, qemuImg } from './qemu-img.ts';

export interface ConvertOptions {
  signal?: AbortSignal | undefined;
  /** Called with percents. */
  onProgress?: (percent: number) => void;
}

/**
 * Writes an image of another format as a raw, sparse file, by qemu-img.
 * @throws usage where the image is damaged or refused (see examine), or qemu-img is not installed; store where there is no room; interrupted.
 */
export async function convertToRaw(path: string, format: ImageFormat, into: string, { signal, onProgress }: ConvertOptions = {}): Promise<void> {
  const { driver } = await examine(path, format, signal);
  await qemuImg(path, format, ['convert', '-p', '-f', driver, '-O', 'raw', path, into], {
    signal,
    onOutput: (text) => {
      const percent = /\(([0-9.]+)\/100%\)\s*$/.exec(text)?.[1];
      if (percent !== undefined) onProgress?.(Number(percent));
    },
  });
}
