import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How a host outside the clouds is reached from here: a command's first words, empty for this host itself. */
const outside = (process.env['BALUCHON_LAB_OUTSIDE'] ?? 'ip netns exec lab-core').split(' ').filter(Boolean);
const key = process.env['BALUCHON_LAB_KEY'] ?? '/var/lib/lab/work/demo_key';

async function fromOutside(command: string[]): Promise<string> {
  const [file = '', ...args] = [...outside, ...command];
  return (await run(file, args, { timeout: 60_000 })).stdout;
}

/** What a guest says of itself: its name, addresses and the MD5 of every file on its disks; empty when it does not answer. */
export async function page(address: string, port = 80): Promise<string> {
  return fromOutside(['curl', '-s', '-m', '8', `http://${address}:${port}/`]).catch(() => '');
}

/** A guest's page as another guest sees it, reached by ssh through a floating address. */
export async function pageThrough(gateway: string, address: string, port: number): Promise<string> {
  const ask = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 8 ${address} ${port}`;
  const ssh = ['ssh', '-i', key, '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=20', `root@${gateway}`, ask];
  return fromOutside(ssh).catch(() => '');
}

/** The lines of a page that tell the files of the root disk and of the data volume. */
export const files = (text: string): string[] => text.split('\n').filter((line) => /^[0-9a-f]{32} {2}/.test(line)).sort();

/** Asks again until the answer will do. Guests take their time to boot. */
export async function eventually<T>(ask: () => Promise<T>, good: (value: T) => boolean, seconds: number): Promise<T> {
  for (const until = Date.now() + seconds * 1000; ; ) {
    const value = await ask();
    if (good(value) || Date.now() > until) return value;
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
}
