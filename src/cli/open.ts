import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { Cloud } from '../cloud/cloud.ts';
import type { Bundle, Vault } from '../vault/types.ts';
import type { Context } from './context.ts';
import { readKey, type KeyOptions } from './keys.ts';
import { BaluchonError } from '../errors.ts';

export interface CloudOptions {
  osCloud?: string;
  openrc?: string;
}

/** `<vault>` or `<vault>@<id, prefix, latest or date>`. A path that exists as it stands is a vault, whatever it is called. */
export function parseBundle(text: string, cwd: string): { vault: string; ref: string } {
  const at = text.lastIndexOf('@');
  if (at <= 0 || existsSync(resolve(cwd, text)) || text.slice(at).includes('/')) return { vault: text, ref: 'latest' };
  return { vault: text.slice(0, at), ref: text.slice(at + 1) || 'latest' };
}

/** A path as the store needs it: relative ones are relative to the context's folder. URLs stay as they are. */
export function locate(vault: string, cwd: string): string {
  return /^[a-z0-9]+:\/\//i.test(vault) || isAbsolute(vault) || cwd === process.cwd() ? vault : resolve(cwd, vault);
}

/** Runs something with a vault, and closes it in every case. */
export async function withVault<T>(context: Context, name: string, keys: KeyOptions, work: (vault: Vault) => Promise<T>): Promise<T> {
  const { openStore } = await import('../store/index.ts');
  const store = await openStore(locate(name, context.cwd));
  // Before a passphrase is asked for: a question about a vault that is none would only puzzle.
  if ((await store.stat('baluchon.yaml')) === undefined) {
    await store.close();
    throw new BaluchonError('vault', `${name} is not a vault`, { hint: `make one with: baluchon init ${name}` });
  }
  const { openVault } = await import('../vault/index.ts');
  const vault = await openVault(store, await readKey(context, keys, name));
  try {
    return await work(vault);
  } finally {
    await vault.close();
  }
}

export async function withBundle<T>(context: Context, text: string, keys: KeyOptions, work: (bundle: Bundle, vault: Vault) => Promise<T>): Promise<T> {
  const { vault: name, ref } = parseBundle(text, context.cwd);
  return withVault(context, name, keys, async (vault) => work(await vault.open(ref), vault));
}

/** Runs something with a session on a cloud, and ends it in every case. */
export async function withCloud<T>(context: Context, options: CloudOptions, work: (cloud: Cloud) => Promise<T>): Promise<T> {
  const { connect } = await import('../cloud/index.ts');
  // The session itself outlives Ctrl-C: temporary resources are removed through it. Only logging in is given up.
  const login = new AbortController();
  const giveUp = (): void => login.abort();
  context.signal.addEventListener('abort', giveUp);
  const cloud = await connect({
    ...(options.osCloud !== undefined && { cloud: options.osCloud }),
    ...(options.openrc !== undefined && { openrc: options.openrc }),
    env: context.env,
    cwd: context.cwd,
    password: () => password(context),
    emit: context.emit,
    signal: login.signal,
  }).finally(() => context.signal.removeEventListener('abort', giveUp));
  try {
    return await work(cloud);
  } finally {
    await cloud.close();
  }
}

async function password(context: Context): Promise<string> {
  if (!context.terminal.interactive) {
    throw new BaluchonError('usage', 'no password for the cloud, and no terminal to ask on', { hint: 'set OS_PASSWORD, or write it into clouds.yaml' });
  }
  return context.terminal.secret('OpenStack password');
}
