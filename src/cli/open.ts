import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Cloud } from '../cloud/cloud.ts';
import type { Store, SwiftAccount } from '../store/index.ts';
import { noVault } from '../vault/missing.ts';
import type { Bundle, Vault } from '../vault/types.ts';
import type { Context } from './context.ts';
import { readKey, type KeyOptions } from './keys.ts';
import { salvaging } from './salvage.ts';
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

export interface PlaceOptions {
  /** Makes the container or bucket where there is none. */
  create?: boolean;
  /** Bytes a second. */
  limitUpload?: number;
}

/** The place of a vault. */
export async function openPlace(context: Context, vault: string, { create, limitUpload }: PlaceOptions = {}): Promise<Store> {
  const { openStore } = await import('../store/index.ts');
  return openStore(locate(vault, context.cwd), { ...(create && { create }), ...(limitUpload && { limitUpload }), env: context.env, swift: (cloud) => account(context, cloud) });
}

async function account(context: Context, name: string | undefined): Promise<SwiftAccount> {
  const cloud = await logIn(context, name === undefined ? {} : { osCloud: name });
  try {
    const { url } = await cloud.service('object-store');
    return { url, ...(cloud.tls && { tls: cloud.tls }), token: (refused) => cloud.token(refused), close: () => cloud.close() };
  } catch (error) {
    await cloud.close();
    throw error;
  }
}

/** Runs something with a vault, and closes it in every case. */
export async function withVault<T>(context: Context, name: string, keys: KeyOptions & PlaceOptions, work: (vault: Vault) => Promise<T>): Promise<T> {
  const store = await openPlace(context, name, keys);
  const vault = await unlock(context, store, name, keys).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  try {
    return await work(vault);
  } finally {
    await vault.close();
  }
}

async function unlock(context: Context, store: Store, name: string, keys: KeyOptions): Promise<Vault> {
  // Before a passphrase is asked for: a question about a vault that is none would only puzzle.
  if ((await store.stat('baluchon.yaml')) === undefined) throw noVault(name);
  const { openVault } = await import('../vault/index.ts');
  return openVault(store, await readKey(context, keys, name), { memory: memoryFolder(context.env), cache: cacheFolder(context.env), ...(keys.allowUnknownWriter && { allowUnknownWriter: true }) });
}

/** Where this machine keeps what it would otherwise read again: `$XDG_CACHE_HOME/baluchon/vaults`. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'baluchon', 'vaults');
}

/** Where this machine keeps what it saw of vaults: `$XDG_STATE_HOME/baluchon/vaults`. */
export function memoryFolder(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'baluchon', 'vaults');
}

export async function withBundle<T>(context: Context, text: string, keys: KeyOptions, work: (bundle: Bundle, vault: Vault) => Promise<T>): Promise<T> {
  const { vault: name, ref } = parseBundle(text, context.cwd);
  return withVault(context, name, keys, async (vault) => {
    if (!keys.salvage) return work(await vault.open(ref), vault);
    const { told, end } = salvaging(context);
    const result = await work(await vault.open(ref, { salvage: told }), vault);
    end();
    return result;
  });
}

/** Runs something with a session on a cloud, and ends it in every case. */
export async function withCloud<T>(context: Context, options: CloudOptions, work: (cloud: Cloud) => Promise<T>): Promise<T> {
  const cloud = await logIn(context, options);
  try {
    return await work(cloud);
  } finally {
    await cloud.close();
  }
}

async function logIn(context: Context, options: CloudOptions): Promise<Cloud> {
  const { connect } = await import('../cloud/index.ts');
  // The session itself outlives Ctrl-C: temporary resources are removed through it. Only logging in is given up.
  const login = new AbortController();
  const giveUp = (): void => login.abort();
  context.signal.addEventListener('abort', giveUp);
  return connect({
    ...(options.osCloud !== undefined && { cloud: options.osCloud }),
    ...(options.openrc !== undefined && { openrc: options.openrc }),
    env: context.env,
    cwd: context.cwd,
    password: () => password(context),
    emit: context.emit,
    signal: login.signal,
  }).finally(() => context.signal.removeEventListener('abort', giveUp));
}

async function password(context: Context): Promise<string> {
  if (!context.terminal.interactive) {
    throw new BaluchonError('usage', 'no password for the cloud, and no terminal to ask on', { hint: 'set OS_PASSWORD, or write it into clouds.yaml' });
  }
  return context.terminal.secret('OpenStack password');
}
