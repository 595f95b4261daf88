import { execFileSync, spawnSync } from 'node:child_process';
import { needs } from '../tools.ts';

/** At the head of a suite that QEMU judges: see `needs`. */
export const needsQemu = (): boolean => needs('qemu-img', 'qemu-io');

export function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * Runs qemu-io commands on an image: `write -P 7 0 64k`. One that QEMU refuses (a compressed write over what is there)
 * leaves the image as it was and stops the others from nothing.
 */
export function qemuIo(image: string, ...commands: string[]): string {
  const { stdout, stderr, error } = spawnSync('qemu-io', ['-t', 'unsafe', ...commands.flatMap((command) => ['-c', command]), image], { encoding: 'utf8' });
  if (error) throw error;
  return stdout + stderr;
}
