import { readIdentity, wrongKey, type SecretKey } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import { parseYaml, yaml } from './yaml.ts';

/** What an owner's file holds: all that opens the vault, of this epoch and of those before it. Newest first, everywhere. */
export interface Secrets {
  vault: string;
  root: string;
  epoch: number;
  /** The vault's secret keys: the first signs, all open. */
  keys: SecretKey[];
  /** 32 bytes each: the first names new chunks, a chunk read may be named by any. */
  dedup: Buffer[];
  /** 32 bytes each, hex: the first seals index and roster, all open them. */
  index: string[];
}

const owner = 'baluchon-secrets/1';
const identity = 'baluchon-identity/1';

export function secretsYaml(secrets: Secrets): Buffer {
  const { vault, root, epoch, index } = secrets;
  const keys = secrets.keys.map((key) => key.armor().replaceAll('\r', ''));
  return Buffer.from(yaml({ format: owner, vault, root, epoch, keys, dedup: secrets.dedup.map((secret) => secret.toString('hex')), index }));
}

export async function parseSecrets(text: Uint8Array, file: string): Promise<Secrets> {
  const value = parseYaml(text, file) as { format?: string; vault: string; root: string; epoch: number; keys: string[]; dedup: string[]; index: string[] } | null;
  if (value?.format !== owner || !Array.isArray(value.keys)) throw new BaluchonError('vault', `damaged: ${file}: not ${owner}`);
  const keys: SecretKey[] = [];
  for (const armored of value.keys) keys.push(await readIdentity(armored));
  return { vault: value.vault, root: value.root, epoch: value.epoch, keys, dedup: value.dedup.map((secret) => Buffer.from(secret, 'hex')), index: value.index };
}

/** What a passphrase opens: a secret key of its own, which is then an owner like any other, and the root it was made for. */
export interface Slot {
  vault: string;
  root: string;
  key: SecretKey;
}

export function slotYaml({ vault, root, key }: Slot): Buffer {
  return Buffer.from(yaml({ format: identity, vault, root, key: key.armor().replaceAll('\r', '') }));
}

export async function parseSlot(text: Uint8Array, file: string): Promise<Slot> {
  const value = parseYaml(text, file) as { format?: string; vault: string; root: string; key: string } | null;
  if (value?.format !== identity) throw wrongKey();
  return { vault: value.vault, root: value.root, key: await readIdentity(value.key) };
}
