import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flags } from '../flags.ts';

export const main = join(import.meta.dirname, '../../src/cli/start.mjs');

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  /** The most memory that the process held, MiB; 0 where no /proc tells. */
  peak: number;
}

/** Runs `baluchon ARGS` in a process of its own, as a user would; after six minutes it is interrupted, as no test waits longer for one. */
export function baluchon(args: readonly string[], { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...flags, main, ...args], { cwd, env: { ...process.env, NO_COLOR: '1', ...env }, maxBuffer: 64 << 20, timeout: 360_000 }, (error, stdout, stderr) => {
      clearInterval(timer);
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr, peak });
    });
    let peak = 0;
    const timer = setInterval(() => (peak = peakOf(child.pid) ?? peak), 50);
  });
}

/** Linux keeps the high-water mark of a process's resident memory, so looking now and then misses next to nothing. */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}
