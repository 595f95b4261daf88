import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Programs that the tests of interoperability need, and the Debian packages that bring them. */
const packages: Record<string, string> = { gpg: 'gnupg', zstd: 'zstd', tar: 'tar', awk: 'mawk', sq: 'sq', openssl: 'openssl' };

export function which(program: string): string | undefined {
  return (process.env['PATH'] ?? '').split(':').concat('/usr/bin', '/bin').map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** Throws, with the package to install: a test that can't do its work has not passed. */
export function need(...programs: string[]): void {
  for (const program of programs) {
    if (!which(program)) throw new Error(`${program} is missing: apt-get install ${packages[program] ?? program}`);
  }
}

/** A PATH that holds these programs and nothing else. */
export function pathWith(folder: string, programs: string[]): string {
  mkdirSync(folder, { recursive: true });
  for (const program of programs) {
    const found = which(program);
    if (found) symlinkSync(found, join(folder, program));
  }
  return folder;
}

export function run(program: string, args: string[], options: { cwd?: string; env?: Record<string, string>; input?: string | Buffer } = {}): SpawnSyncReturns<Buffer> & { text: string } {
  const { env, ...rest } = options;
  const result = spawnSync(program, args, { maxBuffer: 1 << 30, env: env ?? (process.env as Record<string, string>), ...rest });
  return Object.assign(result, { text: `${result.stdout}${result.stderr}` });
}

/** gpg with a home of its own, in a folder with a short path. */
export function gpg(home: string): (args: string[], input?: string | Buffer) => SpawnSyncReturns<Buffer> & { text: string } {
  need('gpg');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return (args, input) =>
    run('gpg', ['--homedir', home, '--batch', '--quiet', '--no-tty', '--trust-model', 'always', '--pinentry-mode', 'loopback', ...args], input === undefined ? {} : { input });
}

export function stopAgent(home: string): void {
  run('gpgconf', ['--homedir', home, '--kill', 'all']);
}
