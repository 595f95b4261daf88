import { execFileSync, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Whether qemu-img and qemu-io are there to judge. */
export const haveQemu = ['qemu-img', 'qemu-io'].every((tool) => spawnSync(tool, ['--version']).status === 0);

/** Stands at the head of each suite that QEMU judges: without QEMU a run in CI fails, and any other says so loudly. */
export function expectQemu(suite: string, otherwise: () => void): void {
  test(`QEMU is there to judge ${suite}, or is said to be missing`, () => {
    if (haveQemu) {
      expect(qemuImg('--version')).toContain('qemu-img version');
      return;
    }
    const missing = 'qemu-img and qemu-io are missing: apt-get install qemu-utils';
    if (process.env.CI) expect.fail(missing);
    console.warn(`\n*** NOT TESTED against QEMU: ${suite}; ${missing} ***\n`);
    otherwise();
  });
}

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
