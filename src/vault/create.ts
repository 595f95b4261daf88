import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fingerprint, generateIdentity, readCertificate, seal, type Certificate } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import type { Header } from './header.ts';
import { layout, rfc3339 } from './layout.ts';
import { writeRoster, type Roster } from './roster.ts';
import { secretsYaml, slotYaml, type Secrets } from './secrets.ts';
import { yaml } from './yaml.ts';

const headerComment = `# This is a vault of Baluchon: encrypted backups of OpenStack projects.
# HOWTO-RECOVER.md says how to get everything back with stock tools.
`;

/**
 * Makes a vault in an empty place. `baluchon.yaml` comes last: a vault that was only half made is none.
 * @throws usage when there is a vault already (nothing is touched), or no owner is given.
 */
export async function createVault(store: Store, keys: { passphrases?: string[]; owners?: string[] }, now = new Date()): Promise<void> {
  const passphrases = keys.passphrases ?? [];
  const certificates: Certificate[] = [];
  for (const owner of keys.owners ?? []) certificates.push(await readCertificate(owner));
  if (passphrases.length + certificates.length === 0) {
    throw new BaluchonError('usage', 'a vault needs an owner', { hint: 'give --passphrase-file or --owner' });
  }
  if (passphrases.includes('')) throw new BaluchonError('usage', 'the passphrase is empty');
  if (await store.stat(layout.header)) throw new BaluchonError('usage', `${store.name} is a vault already`, { hint: 'choose another place; nothing was changed' });
  for await (const { name } of store.list('keys/')) {
    throw new BaluchonError('usage', `${store.name} holds keys of a vault (${name}) and no ${layout.header}`, { hint: `an init that was cut short leaves that: remove its keys folder; else bring ${layout.header} back` });
  }

  const vault = randomBytes(16).toString('hex');
  const created = rfc3339(now);
  const key = await generateIdentity(`baluchon vault ${vault} epoch 1`, now);
  const root = fingerprint(key);
  const secrets: Secrets = { vault, root, epoch: 1, keys: [key], dedup: [randomBytes(32)], index: [randomBytes(32).toString('hex')] };
  const owners: Roster['owners'] = [];
  const addOwner = async (certificate: Certificate, about: Pick<Roster['owners'][number], 'kind' | 'slot' | 'label'>) => {
    const bytes = await seal(secretsYaml(secrets), { certificates: [certificate] });
    await store.put(layout.owner(1, fingerprint(certificate), sha256(bytes)), bytes);
    owners.push({ fingerprint: fingerprint(certificate), ...about, certificate: certificate.armor().replaceAll('\r', ''), added: created });
  };

  for (const [index, passphrase] of passphrases.entries()) {
    const slot = index + 1;
    const identity = await generateIdentity(`baluchon passphrase ${slot} of vault ${vault}`, now);
    const bytes = await seal(slotYaml({ vault, root, key: identity }), { passphrase });
    await store.put(layout.passphrase(slot, sha256(bytes)), bytes);
    await addOwner(identity.toPublic(), { kind: 'passphrase', slot, label: `passphrase ${slot}` });
  }
  for (const certificate of certificates) await addOwner(certificate, { kind: 'openpgp', label: certificate.getUserIDs()[0] ?? '' });

  const header: Header = { format: 'baluchon/1', vault, created, root, profile: { chunk_size: 262144, page_size: 1024, compression: 'zstd', sealing: 'rfc4880' } };
  const clear: [string, Uint8Array][] = [
    [layout.certificate(1), Buffer.from(key.toPublic().armor().replaceAll('\r', ''))],
    [layout.howto, await asset(layout.howto)],
    [layout.script, await asset(layout.script)],
    [layout.header, Buffer.from(headerComment + yaml(header))],
  ];
  const digests = Object.fromEntries(clear.map(([name, body]) => [name, sha256(body)]));
  const epochs = [{ number: 1, fingerprint: root, sha256: digests[layout.certificate(1)]! }];
  await writeRoster(store, { format: 'baluchon-roster/1', vault, serial: 1, created, previous: null, epochs, owners, writers: [], clear: digests }, secrets.index[0]!, key);
  for (const [name, body] of clear) await store.put(name, body);
}

/** A file that every vault carries. */
async function asset(name: string): Promise<Buffer> {
  return readFile(new URL(`../../docs/recover/${name}`, import.meta.url));
}
