import { readIdentity, wrongKey, type SecretKey } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import { parseYaml, yaml } from './yaml.ts';

/** What an owner's or a writer's file holds, of this epoch and of those before it. Newest first, everywhere. */
export interface Secrets {
  vault: string;
  root: string;
  epoch: number;
  /** The vault's secret keys, which open packs and manifests. None in a writer's file. */
  keys: SecretKey[];
  /** 32 bytes each: the first names new chunks, a chunk read may be named by any. */
  dedup: Buffer[];
  /** 32 bytes each, hex: the first seals index and roster, all open them. */
  index: string[];
}

const owner = 'baluchon-secrets/1';
const writer = 'baluchon-writer/1';
const identity = 'baluchon-identity/1';

const common = ({ vault, root, epoch, dedup, index }: Secrets) => ({ vault, root, epoch, dedup: dedup.map((secret) => secret.toString('hex')), index });

export function secretsYaml(secrets: Secrets): Buffer {
  return Buffer.from(yaml({ format: owner, ...common(secrets), keys: secrets.keys.map(armored) }));
}

/** What a writer gets of them: enough to find and add chunks, nothing that opens one. */
export function writerYaml(secrets: Secrets): Buffer {
  return Buffer.from(yaml({ format: writer, ...common(secrets) }));
}

export async function parseSecrets(text: Uint8Array, file: string, role: 'owner' | 'writer' = 'owner'): Promise<Secrets> {
  const value = parseYaml(text, file) as { format?: string; vault: string; root: string; epoch: number; keys?: string[]; dedup: string[]; index: string[] } | null;
  const format = role === 'owner' ? owner : writer;
  if (value?.format !== format || (role === 'owner' && !Array.isArray(value.keys))) throw new BaluchonError('vault', `damaged: ${file}: not ${format}`);
  const keys: SecretKey[] = [];
  if (role === 'owner') for (const text of value.keys ?? []) keys.push(await readIdentity(text));
  return { vault: value.vault, root: value.root, epoch: value.epoch, keys, dedup: value.dedup.map((secret) => Buffer.from(secret, 'hex')), index: value.index };
}

/**
 * The secrets as of an earlier epoch. Each epoch brings one key and one index secret: an epoch whose roster was never written
 * has not begun, and nothing is sealed to it.
 */
export function asOf(secrets: Secrets, epoch: number): Secrets {
  const late = secrets.epoch - epoch;
  return late <= 0 ? secrets : { ...secrets, epoch, keys: secrets.keys.slice(late), index: secrets.index.slice(late) };
}

/** A key as it lies in our texts: armored, with lines ended by LF. */
export function armored(key: { armor(): string }): string {
  return key.armor().replaceAll('\r', '');
}

/** What a passphrase opens: a secret key of its own, which is then an owner like any other, and the root it was made for. */
export interface Slot {
  vault: string;
  root: string;
  key: SecretKey;
}

export function slotYaml({ vault, root, key }: Slot): Buffer {
  return Buffer.from(yaml({ format: identity, vault, root, key: armored(key) }));
}

export async function parseSlot(text: Uint8Array, file: string): Promise<Slot> {
  const value = parseYaml(text, file) as { format?: string; vault: string; root: string; key: string } | null;
  if (value?.format !== identity) throw wrongKey();
  return { vault: value.vault, root: value.root, key: await readIdentity(value.key) };
}
