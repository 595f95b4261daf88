import { canSign, fingerprint, readIdentity, unseal, unsealSigned, wrongKey, type Certificate, type Sealing, type SecretKey } from '../keys/index.ts';
import { BaluchonError, isError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import { readEpochs } from './epochs.ts';
import { readHeader, type Header } from './header.ts';
import { patterns } from './layout.ts';
import { readRoster, type OpenedRoster } from './roster.ts';
import { asOf, parseSecrets, parseSlot, type Secrets } from './secrets.ts';
import { trustOf, type Trust } from './trust.ts';
import type { Key } from './types.ts';

/** An opened vault: what an owner's or a writer's key gave. */
export interface Session {
  store: Store;
  /** Folder in which this machine keeps what it has read of this vault; see cache.ts. */
  cache?: string;
  header: Header;
  sealing: Sealing;
  /** A writer has no keys of the vault: it adds bundles and reads none. */
  role: 'owner' | 'writer';
  secrets: Secrets;
  /** What new packs and manifests are sealed to: the certificate of the epoch in force. */
  certificate: Certificate;
  /** What signs new manifests and index files: the vault's key, or the writer's own. */
  signer: SecretKey;
  /** The vault's certificates of all epochs, newest first: who may sign rosters and what was forgotten. */
  epochs: Certificate[];
  /** Who may sign manifests and index files. */
  trust: Trust;
  /** The roster in force, or why there is none to trust. */
  roster: OpenedRoster | BaluchonError;
}

/**
 * Opens a vault. @throws key, saying nothing more, for a wrong passphrase or key; vault, naming the file, for what is damaged.
 */
export async function openSession(store: Store, key: Key, options: { allowUnknownWriter?: boolean } = {}): Promise<Session> {
  const header = await readHeader(store);
  const identity = 'identity' in key ? { root: header.root, key: await readIdentity(key.identity, key.passphrase) } : await openSlot(store, key.passphrase);
  if (identity.root !== header.root) throw new BaluchonError('vault', `${store.name}: baluchon.yaml is not of this vault: its root is not the one this key was made for`);
  const { role, secrets: found, epochs: all } = await openSecrets(store, header, identity.key);
  const oldest = all.at(-1);
  if (!oldest || fingerprint(oldest) !== header.root || found.root !== header.root || found.vault !== header.vault) {
    throw new BaluchonError('vault', `${store.name}: baluchon.yaml is not of this vault: the keys found are another's`);
  }
  const roster = await readRoster(store, found.index, all).catch((error: unknown) => {
    if (isError(error, 'vault')) return error;
    throw error;
  });
  const secrets = roster instanceof BaluchonError ? found : asOf(found, Math.max(1, ...roster.roster.epochs.map(({ number }) => number)));
  const epochs = all.slice(-secrets.epoch);
  if (role === 'writer') await requireSigner(store, identity.key, roster);
  return {
    store,
    header,
    sealing: header.profile.sealing,
    role,
    secrets,
    certificate: epochs[0]!,
    signer: role === 'owner' ? secrets.keys[0]! : identity.key,
    epochs,
    trust: trustOf(epochs, roster, options),
    roster,
  };
}

/** @throws key where a writer's key is used for what only an owner can do. */
export function requireOwner(session: Session): void {
  if (session.role === 'writer') throw new BaluchonError('key', `a writer's key adds bundles to ${session.store.name} and reads none`, { hint: 'use an owner\'s key or passphrase' });
}

/** A writer whose bundles nobody would take must not begin one. @throws key */
async function requireSigner(store: Store, key: SecretKey, roster: OpenedRoster | BaluchonError): Promise<void> {
  const id = fingerprint(key);
  const why = 'it has expired, was revoked, or has no part to sign with';
  if (!(await canSign(key))) throw new BaluchonError('key', `the writer's key ${id} can't sign: ${why}`);
  if (roster instanceof BaluchonError) return;
  const entry = roster.roster.writers.find((writer) => writer.fingerprint === id && writer.removed === undefined);
  if (!entry) throw new BaluchonError('key', `${id} is no writer of ${store.name} any more`);
  if (await canSign(roster.certificates.get(id)!)) return;
  throw new BaluchonError('key', `the certificate that ${store.name} has of the writer ${id} can't sign any more: ${why}`, { hint: 'an owner lets the new one in with baluchon keys remove, then keys add --writer' });
}

async function readNamed(store: Store, name: string, digest: string): Promise<Uint8Array | undefined> {
  const bytes = await store.get(name);
  return sha256(bytes) === digest ? bytes : undefined;
}

async function openSlot(store: Store, passphrase: string): Promise<{ root: string; key: SecretKey }> {
  const damaged: string[] = [];
  for await (const name of store.names('keys/pass-')) {
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

interface Entrance {
  role: 'owner' | 'writer';
  secrets: Secrets;
  epochs: Certificate[];
}

/** The newest file that is for this key: an owner's before a writer's. */
async function openSecrets(store: Store, header: Header, key: SecretKey): Promise<Entrance> {
  const mine = fingerprint(key);
  const files: { name: string; epoch: number; role: 'owner' | 'writer'; digest: string }[] = [];
  for await (const name of store.names('keys/epoch-')) {
    const match = patterns.member.exec(name);
    if (match?.[3] === mine) files.push({ name, epoch: Number(match[1]), role: match[2] as 'owner' | 'writer', digest: match[4]! });
  }
  const damaged: string[] = [];
  for (const { name, epoch, role, digest } of files.sort((a, b) => (a.role === b.role ? b.epoch - a.epoch : a.role < b.role ? -1 : 1))) {
    const bytes = await readNamed(store, name, digest);
    if (role === 'owner') {
      const text = bytes && (await unseal(bytes, { keys: [key] }));
      if (text) {
        const secrets = await parseSecrets(text, name);
        return { role, secrets, epochs: secrets.keys.map((secret) => secret.toPublic()) };
      }
    } else if (bytes) {
      // Anybody can seal to a writer: what is in the file counts only when the vault's key signed it.
      const epochs = await readEpochs(store, header.root, epoch);
      const opened = await unsealSigned(bytes, { keys: [key] }, epochs);
      if (opened && !opened.signer) throw new BaluchonError('vault', `${name}: not signed by the vault's key`);
      if (opened) return { role, secrets: await parseSecrets(opened.data, name, role), epochs };
    }
    damaged.push(name);
  }
  throw noEntrance(damaged);
}

/** A key file that was damaged may have been the one that fits. */
function noEntrance(damaged: string[]): BaluchonError {
  return damaged.length > 0 ? new BaluchonError('vault', `damaged: ${damaged.join(', ')}`, { hint: 'another owner may still open the vault' }) : wrongKey();
}
