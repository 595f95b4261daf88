import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BaluchonError } from '../errors.ts';
import { readForgotten } from './forget.ts';
import { rfc3339 } from './layout.ts';
import { manifestFiles } from './manifest-files.ts';
import type { Session } from './session.ts';
import type { Store } from '../store/store.ts';

/**
 * What this machine saw of a vault the last time. A store can give back an older state that is whole in itself; only who remembers
 * notices. By place, not by vault: a copy elsewhere may rightly be older.
 */
interface Memory {
  format: 'baluchon-memory/1';
  place: string;
  vault: string;
  root: string;
  roster: { serial: number; sha256: string };
  /** Manifests -> when they were last seen. */
  bundles: { [name: string]: string };
}

/** A vault's place in a folder of memories. */
export function memoryFile(folder: string, { name, place = resolve(name) }: Store): string {
  return resolve(folder, `${createHash('sha256').update(place).digest('hex').slice(0, 32)}.json`);
}

async function recall(file: string): Promise<Memory | undefined> {
  try {
    const memory = JSON.parse(await readFile(file, 'utf8')) as Memory;
    return memory.format === 'baluchon-memory/1' ? memory : undefined;
  } catch {
    return undefined;
  }
}

/** @throws vault where another vault lies in the place of the one that is remembered. */
export async function requireSame(file: string, session: Session): Promise<void> {
  const memory = await recall(file);
  if (!memory || memory.root === session.header.root) return;
  throw new BaluchonError('vault', `${session.store.name}: not the vault that was here before: its root is ${session.header.root}, not ${memory.root}`, { hint: `if that is meant, remove ${file}` });
}

/** What is remembered and not there any more, a line each, with the file's name. Nobody's word says that it may be gone. */
export async function missed(file: string, session: Session): Promise<string[]> {
  const memory = await recall(file);
  if (!memory || memory.root !== session.header.root) return [];
  const lines: string[] = [];
  const { roster } = session;
  if (!(roster instanceof BaluchonError)) {
    const { serial, sha256 } = memory.roster;
    const name = `keys/roster-${String(serial).padStart(6, '0')}.${sha256}.pgp`;
    const set = roster.roster.serial < serial || (roster.roster.serial === serial && roster.digest !== sha256);
    if (set) lines.push(`missing: ${name}: it was in force when this machine last looked, now number ${roster.roster.serial} is: the vault was set back`);
  }
  const there = new Set((await manifestFiles(session.store)).map(({ name }) => name));
  for (const [name, seen] of Object.entries(memory.bundles)) {
    if (!there.has(name) && !(await readForgotten(session, name))) lines.push(`missing: ${name}: it was here at ${seen}, and no owner has forgotten it`);
  }
  return lines;
}

/** Keeps what is there now; what is missed stays missed. A machine that can't keep anything goes on without. */
export async function remember(file: string, session: Session, now = new Date()): Promise<void> {
  const { header, store, roster } = session;
  const before = await recall(file);
  const at = rfc3339(now);
  const bundles: Memory['bundles'] = {};
  for (const { name } of await manifestFiles(store)) bundles[name] = at;
  for (const [name, seen] of Object.entries(before?.root === header.root ? before.bundles : {})) {
    if (!bundles[name] && !(await store.stat(name.replace(/pgp$/, 'forgotten')))) bundles[name] = seen;
  }
  const current = roster instanceof BaluchonError ? undefined : { serial: roster.roster.serial, sha256: roster.digest };
  const known = before?.root === header.root && (!current || before.roster.serial > current.serial) ? before.roster : current;
  if (!known) return;
  const memory: Memory = { format: 'baluchon-memory/1', place: store.name, vault: header.vault, root: header.root, roster: known, bundles };
  const half = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(resolve(file, '..'), { recursive: true, mode: 0o700 });
    await writeFile(half, `${JSON.stringify(memory)}\n`, { mode: 0o600 });
    await rename(half, file);
  } catch {
    await rm(half, { force: true }).catch(() => {});
  }
}
