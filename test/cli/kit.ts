import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/start.mjs', import.meta.url));

export interface Ran {
  exit: number | null;
  out: string;
  err: string;
}

export interface RunOptions {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** Called with all of stderr so far, each time there is more. */
  onErr?: (err: string, kill: (signal: NodeJS.Signals) => void) => void;
  /** Closes our end of its stdout at once. */
  deaf?: boolean;
  /** What it writes to stdout is no text: `out` has one character a byte. */
  binary?: boolean;
}

/** Runs the program as a user would, without a terminal, and without the clouds and keys of whoever runs the tests. */
export async function baluchon(args: string[], options: RunOptions): Promise<Ran> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(OS_|BALUCHON_|NO_COLOR|FORCE_COLOR)/.test(name)));
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: options.cwd, env: { ...env, XDG_STATE_HOME: options.cwd, XDG_CACHE_HOME: options.cwd, XDG_CONFIG_HOME: options.cwd, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding(options.binary ? 'latin1' : 'utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    options.onErr?.(err, (signal) => void child.kill(signal));
  });
  if (options.deaf) child.stdout.destroy();
  const [exit] = (await once(child, 'close')) as [number | null];
  return { exit, out, err };
}
