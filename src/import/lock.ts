import { randomUUID } from 'node:crypto';
import { hostname, uptime } from 'node:os';
import { BaluchonError } from '../errors.ts';
import { journalPath, openLines, readLines, type ImportOf } from './journal.ts';

/** In the journal: a run of an import begins, or has ended. */
interface RunLine {
  step: 'begin' | 'end';
  run: string;
  pid: number;
  host: string;
  at: string;
}

/**
 * Keeps others from the same import until what it gives is called: from before it is planned until its end, as both would create all
 * that is not there. Whoever wants to begin says so in the journal, and looks who was the first of those that have neither ended
 * nor died: all see the same lines in the same order, so that two never both go on.
 * Throws `conflict` where another one is at it, `store` where the journal can't be written.
 */
export async function lockImport(of: ImportOf): Promise<() => Promise<void>> {
  const path = journalPath(of);
  const run = randomUUID();
  const say = async (step: RunLine['step']): Promise<void> => {
    const lines = await openLines(path);
    try {
      await lines.append({ step, run, pid: process.pid, host: hostname(), at: new Date().toISOString() } satisfies RunLine);
    } finally {
      await lines.close();
    }
  };
  // Where it can't be said, the end of the process says it.
  const end = () => say('end').catch(() => {});
  await say('begin');
  const first = await running(path);
  if (first === undefined || first.run === run) return end;
  await end();
  throw new BaluchonError('conflict', `this bundle is being imported into this project already, by process ${first.pid} on ${first.host} since ${first.at}`, {
    hint: `wait for it, or end it; where there is no such import any more, remove the line with ${first.run} from ${path}`,
  });
}

/** Who began first, of all that are at it. */
async function running(path: string): Promise<RunLine | undefined> {
  const runs = new Map<string, RunLine>();
  for (const line of (await readLines(path)).filter(isRun)) {
    if (line.step === 'begin') runs.set(line.run, line);
    else runs.delete(line.run);
  }
  return [...runs.values()].find((run) => !died(run));
}

function isRun(line: { [key: string]: unknown }): line is { [key: string]: unknown } & RunLine {
  const { step, run, pid, host, at } = line;
  return (step === 'begin' || step === 'end') && typeof run === 'string' && Number.isInteger(pid) && typeof host === 'string' && typeof at === 'string';
}

/** Whether it was a process of this machine, which is no more. Numbers are given anew, with the machine's start if not before. */
function died({ pid, host, at }: RunLine): boolean {
  if (host !== hostname()) return false;
  const seconds = (Date.now() - Date.parse(at)) / 1000;
  if (seconds > uptime() || (pid === process.pid && seconds > process.uptime())) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
