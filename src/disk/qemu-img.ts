import { spawn } from 'node:child_process';
import { dirname, extname, resolve } from 'node:path';
import { BaluchonError } from '../errors.ts';
import type { ImageFormat } from './open.ts';

/** What QEMU calls a format, and how its files are called. */
const drivers: Record<string, { driver: string; endings: string[] }> = {
  vmdk: { driver: 'vmdk', endings: ['.vmdk'] },
  vdi: { driver: 'vdi', endings: ['.vdi'] },
  vhdx: { driver: 'vhdx', endings: ['.vhdx'] },
  vhd: { driver: 'vpc', endings: ['.vhd', '.vpc'] },
  qed: { driver: 'qed', endings: ['.qed'] },
  parallels: { driver: 'parallels', endings: ['.hdd', '.hds', '.parallels'] },
};

/**
 * Looks at an image of a format that QEMU reads. The file's name has to say the format too, and nothing outside of its folder may belong
 * to it: what a guest wrote to the first sector of a raw disk must not make us read other files. `alone`: all of it is in this file.
 * @throws usage where that is so, the image is damaged or qemu-img is not installed; interrupted.
 */
export async function examine(path: string, format: ImageFormat, signal?: AbortSignal): Promise<{ driver: string; alone: boolean }> {
  const known = drivers[format];
  if (!known) throw new BaluchonError('usage', `can't read disk image ${path}: the format ${format} is not supported`);
  const { driver, endings } = known;
  if (!endings.includes(extname(path).toLowerCase())) {
    throw new BaluchonError('usage', `${path} begins like a ${format} image and is not called *${endings[0]}`, { hint: `rename it if it is one; if it is a raw disk: qemu-img convert -f raw -O qcow2 ${path} NEW.qcow2` });
  }
  const about = JSON.parse(await qemuImg(path, format, ['info', '--output=json', '-f', driver, resolve(path)], { signal })) as { 'backing-filename'?: string; 'format-specific'?: { data?: { extents?: { filename?: string }[] } } };
  const others = [about['backing-filename'], ...(about['format-specific']?.data?.extents ?? []).map(({ filename }) => filename)].filter((other) => other !== undefined);
  const folder = dirname(resolve(path));
  for (const other of others) {
    if (other.includes(':') || dirname(resolve(folder, other)) !== folder) {
      throw new BaluchonError('usage', `${path} refers to ${other}, which is in another folder`, { hint: `make it one file: qemu-img convert -O qcow2 ${path} NEW.qcow2` });
    }
  }
  return { driver, alone: others.every((other) => resolve(folder, other) === resolve(path)) };
}

/** Runs qemu-img on an image; gives what it printed, unless `onOutput` takes it. @throws usage, store, interrupted. */
export async function qemuImg(path: string, format: string, args: string[], { signal, onOutput }: { signal?: AbortSignal | undefined; onOutput?: (text: string) => void }): Promise<string> {
  const child = spawn('qemu-img', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (onOutput ? onOutput(text) : (out += text)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err = (err + text).slice(-4096)));
  const stop = (): void => void child.kill();
  signal?.addEventListener('abort', stop);
  try {
    const status = await new Promise<number | null>((done, failed) => child.once('error', failed).once('close', done));
    if (signal?.aborted) throw new BaluchonError('interrupted', 'interrupted');
    if (status === 0) return out;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new BaluchonError('usage', `can't read disk image ${path}: reading ${format} takes qemu-img, which is not installed`, { hint: 'apt-get install qemu-utils', cause });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  const said = err.trim().split('\n').at(-1)?.replace(/^qemu-img: /, '') ?? '';
  if (/No space left|Disk quota|File too large/.test(err)) throw new BaluchonError('store', `no room to convert ${path}`, { hint: 'give a larger scratch folder with --scratch DIR' });
  const hint = /lock/.test(said) ? 'a machine that runs may be using it: shut it down first' : undefined;
  throw new BaluchonError('usage', `can't read disk image ${path} as ${format}: ${said}`, hint === undefined ? {} : { hint });
}
