import { execFile } from 'node:child_process';
import { join } from 'node:path';

export const main = join(import.meta.dirname, '../../src/cli/start.mjs');

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `baluchon ARGS` in a process of its own, as a user would. */
export function baluchon(args: readonly string[], { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--max-semi-space-size=2', main, ...args], { cwd, env: { ...process.env, NO_COLOR: '1', ...env }, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr });
    });
  });
}
