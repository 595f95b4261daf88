import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Figure {
  /** Seconds on the clock, and of all processors, user and system, of the process and its children. */
  wall: number;
  cpu: number;
  /** Highest sum of the resident memory of the process and all below it, bytes; looked at every 20 ms. */
  memory: number;
}

const pageSize = Number(spawnSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }).stdout) || 4096;

/** Runs a command as a process of its own. Throws, with what it said, when it fails. */
export async function measure(argv: string[], env: Record<string, string> = {}): Promise<Figure> {
  const timed = ['-c', 'TIMEFORMAT="baluchon-time %3R %3U %3S"; time "$@"', 'bash', ...argv];
  const child = spawn('bash', timed, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-10_000); });
  let memory = 0;
  const timer = setInterval(() => { memory = Math.max(memory, resident(child.pid!, true)); }, 20);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => clearInterval(timer));
  const times = /^baluchon-time (\S+) (\S+) (\S+)$/m.exec(said);
  if (status !== 0 || !times) throw new Error(`${argv.join(' ')}: exit status ${status}\n${said}`);
  const [wall, user, system] = times.slice(1).map(Number) as [number, number, number];
  return { wall, cpu: user + system, memory };
}

/** The shell that takes the time is left out. */
function resident(pid: number, shell = false): number {
  try {
    const own = shell ? 0 : Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageSize;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return children.reduce((sum, child) => sum + resident(Number(child)), own);
  } catch {
    return 0; // it has ended meanwhile
  }
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Whether a command can be run here. */
export function have(tool: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', tool]).status === 0;
}
