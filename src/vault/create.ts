import { randomBytes } from 'node:crypto';
import { fingerprint, generateIdentity, type Sealing } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from './chunk.ts';
import { assets } from './assets.ts';
import type { Header } from './header.ts';
import { layout, rfc3339 } from './layout.ts';
import { checkNewcomers, putNewcomers, type Newcomers } from './members.ts';
import { writeRoster } from './roster.ts';
import { armored, type Secrets } from './secrets.ts';
import { yaml } from './yaml.ts';

const headerComment = `# This is a vault of Baluchon: encrypted backups of OpenStack projects.
# HOWTO-RECOVER.md says how to get everything back with stock tools.
`;

/**
 * Makes a vault in an empty place. `baluchon.yaml` comes last: a vault that was only half made is none.
 * @throws usage when there is a vault already (nothing is touched), no owner is given, or a key can't be used.
 */
export async function createVault(store: Store, keys: Newcomers & { sealing?: Sealing }, now = new Date()): Promise<void> {
  const sealing = keys.sealing ?? 'rfc4880';
  const newcomers = await checkNewcomers(keys, sealing, now);
  if (newcomers.passphrases.length + newcomers.papers.length + newcomers.owners.length === 0) {
    throw new BaluchonError('usage', 'a vault needs an owner', { hint: 'give --passphrase-file or --owner' });
  }
  if (await store.stat(layout.header)) throw new BaluchonError('usage', `${store.name} is a vault already`, { hint: 'choose another place; nothing was changed' });
  for await (const name of store.names('keys/')) {
    throw new BaluchonError('usage', `${store.name} holds keys of a vault (${name}) and no ${layout.header}`, { hint: `an init that was cut short leaves that: remove its keys folder; else bring ${layout.header} back` });
  }

  const vault = randomBytes(16).toString('hex');
  const created = rfc3339(now);
  const signer = await generateIdentity(`baluchon vault ${vault} epoch 1`, now);
  const root = fingerprint(signer);
  const secrets: Secrets = { vault, root, epoch: 1, keys: [signer], dedup: [randomBytes(32)], index: [randomBytes(32).toString('hex')] };
  const members = await putNewcomers({ store, secrets, sealing, signer }, newcomers, 1, now, created);

  const header: Header = { format: 'baluchon/1', vault, created, root, profile: { chunk_size: 262144, page_size: 1024, compression: 'zstd', sealing } };
  const clear: [string, Uint8Array][] = [
    [layout.certificate(1), Buffer.from(armored(signer.toPublic()))],
    ...(await assets()),
    [layout.header, Buffer.from(headerComment + yaml(header))],
  ];
  const digests = Object.fromEntries(clear.map(([name, body]) => [name, sha256(body)]));
  const epochs = [{ number: 1, fingerprint: root, sha256: digests[layout.certificate(1)]! }];
  await writeRoster(store, { format: 'baluchon-roster/1', vault, serial: 1, created, previous: null, epochs, ...members, clear: digests }, secrets.index[0]!, signer, sealing);
  for (const [name, body] of clear) await store.put(name, body);
}
