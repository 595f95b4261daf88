import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach } from 'vitest';

/** Programs that tests of interoperability need, whose Debian packages are called otherwise. */
const packages: Record<string, string> = { gpg: 'gnupg', awk: 'mawk', 'qemu-img': 'qemu-utils', 'qemu-io': 'qemu-utils' };

export function which(program: string): string | undefined {
  return (process.env['PATH'] ?? '').split(':').concat('/usr/bin', '/bin').map((folder) => join(folder, program)).find((path) => existsSync(path));
}

/** What is missing of these programs, and the packages to install. */
export function missing(...programs: string[]): string | undefined {
  const gone = programs.filter((program) => !which(program));
  if (gone.length === 0) return undefined;
  return `${gone.join(', ')} missing: apt-get install ${[...new Set(gone.map((program) => packages[program] ?? program))].join(' ')}`;
}

/**
 * At the head of a suite whose tests need these programs: without one of them each fails in CI, and is skipped in any other run, whose end
 * says so (reporter.ts). False without, so that hooks of the suite do nothing.
 */
export function needs(...programs: string[]): boolean {
  const lack = missing(...programs);
  beforeEach(({ skip }) => {
    if (lack !== undefined && process.env['CI']) throw new Error(lack);
    skip(lack !== undefined, lack);
  });
  return lack === undefined;
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

/** An OpenPGP key that another program made. */
export interface Made {
  certificate: string;
  secret: string;
  passphrase?: string;
}

/** gpg with a home of its own, in a folder with a short path. */
export function gpg(home: string): (args: string[], input?: string | Buffer) => SpawnSyncReturns<Buffer> & { text: string } {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return (args, input) =>
    run('gpg', ['--homedir', home, '--batch', '--quiet', '--no-tty', '--trust-model', 'always', '--pinentry-mode', 'loopback', ...args], input === undefined ? {} : { input });
}

export function stopAgent(home: string): void {
  run('gpgconf', ['--homedir', home, '--kill', 'all']);
}

/** A certificate for localhost that no authority signed, made by openssl: paths of it and of its key. */
export function selfSigned(folder: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']);
  if (made.status !== 0) throw new Error(made.text);
  return { key, cert };
}
