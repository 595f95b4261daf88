import { createHash } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { BaluchonError } from '../errors.ts';
import type { Inventory } from './types.ts';

/** One line of a journal: a step that is about to be done (`creating`) or has been. Others tell who is at it: see lock.ts. */
interface Line {
  step: 'creating' | 'created' | 'completed';
  id: string;
  target?: string;
  at: string;
}

/** What makes one import: ids of bundle and target project, and the renaming. */
export interface ImportOf {
  bundle: string;
  project: string;
  rename?: string | undefined;
}

/**
 * Where the journal of one import is: `$XDG_STATE_HOME/baluchon/imports`. One file for each bundle, target project and
 * renaming, so that the same command run again goes on where the last one ended.
 */
export function journalPath({ bundle, project, rename }: ImportOf, env: NodeJS.ProcessEnv = process.env): string {
  const state = env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
  const suffix = rename === undefined ? '' : `-${createHash('sha256').update(rename).digest('hex').slice(0, 8)}`;
  return join(state, 'baluchon', 'imports', `${bundle}-${project}${suffix}.jsonl`);
}

/** What earlier runs did, as far as their journal tells; a line cut off by a crash counts as not written. */
export async function readJournal(path: string): Promise<Inventory['journal']> {
  const journal: Inventory['journal'] = Object.create(null);
  for (const line of await readLines(path)) {
    if (!isStep(line)) continue;
    const { step, id, target } = line;
    if (step === 'creating') journal[id] = { complete: false };
    else journal[id] = { ...journal[id], ...(target !== undefined && { target }), complete: step === 'completed' };
  }
  return journal;
}

const isStep = (line: { [key: string]: unknown }): line is { [key: string]: unknown } & Line => typeof line['id'] === 'string' && ['creating', 'created', 'completed'].includes(line['step'] as string);

/** What is in a file of JSON lines; nothing where there is none. */
export async function readLines(path: string): Promise<{ [key: string]: unknown }[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((row) => {
    try {
      const line: unknown = JSON.parse(row);
      return typeof line === 'object' && line !== null ? [line as { [key: string]: unknown }] : [];
    } catch {
      return [];
    }
  });
}

export interface Journal {
  write(step: Line['step'], id: string, target?: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a journal for appending; each line is on the disk before the step that it announces. Throws `store` where it can't be written. */
export async function openJournal(path: string): Promise<Journal> {
  const { append, close } = await openLines(path);
  return {
    write: (step, id, target) => append({ step, id, ...(target !== undefined && { target }), at: new Date().toISOString() } satisfies Line),
    close,
  };
}

/** A file of JSON lines, for appending: by several processes, if need be. */
export async function openLines(path: string): Promise<{ append(line: object): Promise<void>; close(): Promise<void> }> {
  const failed = (cause: unknown): never => {
    throw new BaluchonError('store', `the journal of this import can't be written: ${path}: ${(cause as NodeJS.ErrnoException).code}`, { hint: 'make room there, or set XDG_STATE_HOME to another folder, and run the same command again', cause });
  };
  const begin = async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'a', 0o600);
    const before = await readFile(path, 'utf8');
    // A line that a crash cut off must not swallow the next one.
    if (before !== '' && !before.endsWith('\n')) await file.appendFile('\n');
    return file;
  };
  const file = await begin().catch(failed);
  const write = async (row: string) => {
    await file.appendFile(row);
    await file.datasync();
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    async append(line) {
      const written = last.then(() => write(`${JSON.stringify(line)}\n`));
      last = written.catch(() => {});
      await written.catch(failed);
    },
    async close() {
      await last;
      await file.close();
    },
  };
}
