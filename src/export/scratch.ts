import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { BaluchonError } from '../errors.ts';

export interface Scratch {
  path: string;
  remove(): Promise<void>;
}

/** Of another machine that shares the folder nothing is known: its processes may live. */
const HERE = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/**
 * A folder of our own for images on their way (mode 0700). Its name tells the machine and the process, so that what a
 * killed one left behind is swept by the next. Throws `usage` where no folder can be made.
 */
export async function openScratch(parent = tmpdir()): Promise<Scratch> {
  try {
    for (const name of await readdir(parent)) {
      const [, pid, machine] = /^baluchon-scratch-(\d+)-([0-9a-f]{8})-/.exec(name) ?? [];
      // Another user's stays.
      if (machine === HERE && !isAlive(Number(pid))) await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
    }
    const path = await mkdtemp(join(parent, `baluchon-scratch-${process.pid}-${HERE}-`));
    return { path, remove: () => rm(path, { recursive: true, force: true }) };
  } catch (error) {
    throw new BaluchonError('usage', `no scratch folder can be made in ${parent}: ${(error as NodeJS.ErrnoException).code}`, { hint: 'give another with --scratch DIR', cause: error });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
