import { fingerprint, readIdentity, unseal, wrongKey, type Certificate, type SecretKey } from '../keys/index.ts';
import { BaluchonError, isError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import { readHeader, type Header } from './header.ts';
import { patterns } from './layout.ts';
import { readRoster, type Roster } from './roster.ts';
import { parseSecrets, parseSlot, type Secrets } from './secrets.ts';
import type { Key } from './types.ts';

/** An opened vault: what an owner's key gave. */
export interface Session {
  store: Store;
  header: Header;
  secrets: Secrets;
  /** Certificates of all epochs, newest first: who may sign. */
  signers: Certificate[];
  /** The newest roster, or why there is none to trust. */
  roster: { roster: Roster; digest: string } | BaluchonError;
}

/**
 * Opens a vault. @throws key, saying nothing more, for a wrong passphrase or key; vault, naming the file, for what is damaged.
 */
export async function openSession(store: Store, key: Key): Promise<Session> {
  const header = await readHeader(store);
  const identity = 'identity' in key ? { root: header.root, key: await readIdentity(key.identity, key.passphrase) } : await openSlot(store, key.passphrase);
  if (identity.root !== header.root) throw new BaluchonError('vault', `${store.name}: baluchon.yaml is not of this vault: its root is not the one this key was made for`);
  const secrets = await openSecrets(store, identity.key);
  const oldest = secrets.keys.at(-1);
  if (!oldest || fingerprint(oldest) !== header.root || secrets.root !== header.root || secrets.vault !== header.vault) {
    throw new BaluchonError('vault', `${store.name}: baluchon.yaml is not of this vault: the keys found are another's`);
  }
  const signers = secrets.keys.map((secret) => secret.toPublic());
  const roster = await readRoster(store, secrets.index, signers).catch((error: unknown) => {
    if (isError(error, 'vault')) return error;
    throw error;
  });
  return { store, header, secrets, signers, roster };
}

async function readNamed(store: Store, name: string, digest: string): Promise<Uint8Array | undefined> {
  const bytes = await store.get(name);
  return sha256(bytes) === digest ? bytes : undefined;
}

async function openSlot(store: Store, passphrase: string): Promise<{ root: string; key: SecretKey }> {
  const damaged: string[] = [];
  for await (const { name } of store.list('keys/pass-')) {
    const match = patterns.passphrase.exec(name);
    if (!match) continue;
    const bytes = await readNamed(store, name, match[2]!);
    if (!bytes) {
      damaged.push(name);
      continue;
    }
    const text = await unseal(bytes, { passphrase });
    if (text) return parseSlot(text, name);
  }
  throw noEntrance(damaged);
}

async function openSecrets(store: Store, key: SecretKey): Promise<Secrets> {
  const mine = fingerprint(key);
  const files: { name: string; epoch: number; digest: string }[] = [];
  for await (const { name } of store.list('keys/epoch-')) {
    const match = patterns.owner.exec(name);
    if (match?.[2] === mine) files.push({ name, epoch: Number(match[1]), digest: match[3]! });
  }
  const damaged: string[] = [];
  for (const { name, digest } of files.sort((a, b) => b.epoch - a.epoch)) {
    const bytes = await readNamed(store, name, digest);
    const text = bytes && (await unseal(bytes, { keys: [key] }));
    if (text) return parseSecrets(text, name);
    damaged.push(name);
  }
  throw noEntrance(damaged);
}

/** A key file that was damaged may have been the one that fits. */
function noEntrance(damaged: string[]): BaluchonError {
  return damaged.length > 0 ? new BaluchonError('vault', `damaged: ${damaged.join(', ')}`, { hint: 'another owner may still open the vault' }) : wrongKey();
}
