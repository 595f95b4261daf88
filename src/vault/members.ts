import { fingerprint, generateIdentity, readCertificate, seal, type Certificate, type Sealing, type SecretKey } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import { layout } from './layout.ts';
import type { Owner, Writer } from './roster.ts';
import { armored, secretsYaml, slotYaml, writerYaml, type Secrets } from './secrets.ts';

/** Who is to be let in: passphrases, paper keys (a passphrase as well, see keys/paper.ts), armored certificates. */
export interface Newcomers {
  passphrases?: string[];
  papers?: string[];
  owners?: string[];
  writers?: string[];
}

/** The same, looked at: nothing is written before all of them are good. */
export interface Checked {
  passphrases: string[];
  papers: string[];
  owners: Certificate[];
  writers: Certificate[];
}

/** @throws usage, for a certificate that the vault's readers can't use, the same one twice, or an empty passphrase. */
export async function checkNewcomers({ passphrases = [], papers = [], owners = [], writers = [] }: Newcomers, sealing: Sealing, now: Date): Promise<Checked> {
  if (passphrases.includes('') || papers.includes('')) throw new BaluchonError('usage', 'the passphrase is empty');
  const checked: Checked = { passphrases, papers, owners: [], writers: [] };
  for (const owner of owners) checked.owners.push(await readCertificate(owner, { sealing, now }));
  for (const writer of writers) checked.writers.push(await readCertificate(writer, { sealing, now, signs: true }));
  const seen = new Set<string>();
  for (const id of [...checked.owners, ...checked.writers].map(fingerprint)) {
    if (seen.has(id)) throw new BaluchonError('usage', `openpgp key ${id} is given twice`, { hint: 'an owner can write as well, and needs to be given once' });
    seen.add(id);
  }
  return checked;
}

/** What a member's file needs to know of the vault. */
export interface Place {
  store: Store;
  secrets: Secrets;
  sealing: Sealing;
  /** The vault's key of the epoch. */
  signer: SecretKey;
}

/** Writes the file that lets an owner in. */
export async function putOwner({ store, secrets, sealing }: Place, certificate: Certificate): Promise<void> {
  const bytes = await seal(secretsYaml(secrets), { certificates: [certificate] }, undefined, sealing);
  await store.put(layout.owner(secrets.epoch, fingerprint(certificate), sha256(bytes)), bytes);
}

/** Writes the file that lets a writer write; signed, because it says what to seal to. */
export async function putWriter({ store, secrets, sealing, signer }: Place, certificate: Certificate): Promise<void> {
  const bytes = await seal(writerYaml(secrets), { certificates: [certificate] }, signer, sealing);
  await store.put(layout.writer(secrets.epoch, fingerprint(certificate), sha256(bytes)), bytes);
}

/** Lets newcomers in, and gives the roster's entries for them. Slots count up from `slot`. */
export async function putNewcomers(place: Place, newcomers: Checked, slot: number, now: Date, added: string): Promise<{ owners: Owner[]; writers: Writer[] }> {
  const { store, secrets, sealing } = place;
  const { vault, root } = secrets;
  const owners: Owner[] = [];
  const writers: Writer[] = [];
  const entry = (certificate: Certificate) => ({ fingerprint: fingerprint(certificate), certificate: armored(certificate), added });
  const phrases = [...newcomers.passphrases.map((phrase) => ({ phrase, kind: 'passphrase' as const })), ...newcomers.papers.map((phrase) => ({ phrase, kind: 'paper' as const }))];
  for (const [index, { phrase, kind }] of phrases.entries()) {
    const number = slot + index;
    const identity = await generateIdentity(`baluchon ${kind} ${number} of vault ${vault}`, now);
    const bytes = await seal(slotYaml({ vault, root, key: identity }), { passphrase: phrase }, undefined, sealing);
    await store.put(layout.passphrase(number, sha256(bytes)), bytes);
    await putOwner(place, identity.toPublic());
    owners.push({ ...entry(identity.toPublic()), kind, slot: number, label: kind === 'paper' ? `paper key ${number}` : `passphrase ${number}` });
  }
  for (const certificate of newcomers.owners) {
    await putOwner(place, certificate);
    owners.push({ ...entry(certificate), kind: 'openpgp', label: label(certificate) });
  }
  for (const certificate of newcomers.writers) {
    await putWriter(place, certificate);
    writers.push({ ...entry(certificate), label: label(certificate) });
  }
  return { owners, writers };
}

const label = (certificate: Certificate) => certificate.getUserIDs()[0] ?? '';
