import { randomBytes } from 'node:crypto';
import { fingerprint, generateIdentity, parseCertificate, signDetached, type Certificate } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import { sha256 } from './chunk.ts';
import { assets } from './assets.ts';
import { claimed } from './claim.ts';
import { layout, patterns, rfc3339 } from './layout.ts';
import { checkNewcomers, putNewcomers, putOwner, putWriter, type Newcomers } from './members.ts';
import { leftovers, rosterFiles, writeRoster, type OpenedRoster, type Owner, type Roster } from './roster.ts';
import { armored, type Secrets } from './secrets.ts';
import { requireOwner, type Session } from './session.ts';
import { trustOf } from './trust.ts';
import type { Member, Removed } from './types.ts';

/** Owners, then writers, removed ones last. */
export function members(session: Session): Member[] {
  const { roster } = known(session);
  const owners = roster.owners.map(({ kind, slot, fingerprint: id, label, added }): Member => ({ role: 'owner', kind, name: nameOf({ kind, slot, fingerprint: id }), fingerprint: id, label, added }));
  const writers = roster.writers.map(({ fingerprint: id, label, added, removed }): Member => ({ role: 'writer', kind: 'openpgp', name: id, fingerprint: id, label, added, ...(removed !== undefined && { removed }) }));
  return [...owners, ...writers.toSorted((a, b) => Number(a.removed !== undefined) - Number(b.removed !== undefined))];
}

const nameOf = ({ kind, slot, fingerprint: id }: { kind: Owner['kind']; slot?: number | undefined; fingerprint: string }) => (slot === undefined ? id : `${kind}-${slot}`);

/** Lets more people in, with what is there already. @throws usage where somebody is in already, or a key can't be used. */
export async function addMembers(session: Session, given: Newcomers, now = new Date()): Promise<Member[]> {
  requireOwner(session);
  const { roster } = known(session);
  const newcomers = await checkNewcomers(given, session.sealing, now);
  for (const id of [...newcomers.owners, ...newcomers.writers].map(fingerprint)) {
    if (roster.owners.some((owner) => owner.fingerprint === id)) throw new BaluchonError('usage', `openpgp key ${id} is an owner already`);
    const writer = roster.writers.find((one) => one.fingerprint === id && one.removed === undefined);
    if (writer) throw new BaluchonError('usage', `openpgp key ${id} is a writer already`, { hint: `remove it first: baluchon keys remove ${session.store.name} ${id.slice(-16)}` });
  }
  const added = await claimed(session, known(session), async () => {
    const place = { store: session.store, secrets: session.secrets, sealing: session.sealing, signer: session.secrets.keys[0]! };
    const put = await putNewcomers(place, newcomers, await freeSlot(session, roster), now, rfc3339(now));
    const back = new Set(put.writers.map((writer) => writer.fingerprint));
    await commit(session, session.secrets, { ...roster, owners: [...roster.owners, ...put.owners], writers: [...roster.writers.filter((writer) => !back.has(writer.fingerprint)), ...put.writers] }, now);
    return put;
  });
  const names = new Set([...added.owners, ...added.writers].map((one) => one.fingerprint));
  return members(session).filter((member) => names.has(member.fingerprint));
}

/**
 * Begins a new epoch without these members: what comes is sealed to a key that they don't have. What was there they may have
 * read, or have the keys for. A writer's bundles stay, and count. Key files of others who are no members any more go as well; where `who`
 * names only such, as after a removal that was cut short, that is all.
 * @param who as `members` names them, or a fingerprint's beginning or end of 8 or more digits
 * @throws usage where one is not known, or no owner would be left.
 */
export async function removeMembers(session: Session, who: string[], now = new Date()): Promise<Removed> {
  requireOwner(session);
  const { roster } = known(session);
  const left = await strangers(session);
  const out = (one: string) => matching(session, one).length === 0 && left.some((name) => lets(name, one));
  const gone = who.filter((one) => !out(one)).map((one) => choose(session, one));
  const ids = new Set(gone.map((member) => member.fingerprint));
  const owners = roster.owners.filter((owner) => !ids.has(owner.fingerprint));
  if (owners.length === 0) throw new BaluchonError('usage', 'no owner would be left, and the vault would be lost', { hint: 'add another owner first: baluchon keys add' });
  await claimed(session, known(session), async () => {
    if (gone.length > 0) {
      const kept = await signedFiles(session);
      const writers = roster.writers.map((writer) => (ids.has(writer.fingerprint) && writer.removed === undefined ? { ...writer, removed: rfc3339(now), kept } : writer));
      await beginEpoch(session, { ...roster, owners, writers }, now);
    }
    for (const name of await strangers(session)) await session.store.remove(name);
  });
  return { members: gone, leftovers: left };
}

/** Key files of who is no member. */
async function strangers(session: Session): Promise<string[]> {
  return leftovers(known(session).roster, await Array.fromAsync(session.store.names('keys/')));
}

/** Whether a key file lets in `who`: a fingerprint, or a passphrase or paper key by its slot. */
function lets(name: string, who: string): boolean {
  const slot = patterns.passphrase.exec(name)?.[1];
  return slot !== undefined ? who === `passphrase-${slot}` || who === `paper-${slot}` : isFingerprint(patterns.member.exec(name)?.[3] ?? '', who);
}

/** A new key and index secret for what comes; all members get theirs anew, nothing else is written again. */
export async function rotate(session: Session, now = new Date()): Promise<void> {
  requireOwner(session);
  await claimed(session, known(session), () => beginEpoch(session, known(session).roster, now));
}

async function beginEpoch(session: Session, roster: Roster, now: Date): Promise<void> {
  const { store, sealing } = session;
  const before = session.secrets;
  const epoch = before.epoch + 1;
  // What a rotation that was cut short has left would let nobody in.
  for await (const name of store.names(`keys/epoch-${epoch}`)) if (name.startsWith(`keys/epoch-${epoch}/`) || name.startsWith(`keys/epoch-${epoch}.`)) await store.remove(name);
  const signer = await generateIdentity(`baluchon vault ${before.vault} epoch ${epoch}`, now);
  const secrets: Secrets = { ...before, epoch, keys: [signer, ...before.keys], index: [randomBytes(32).toString('hex'), ...before.index] };
  const certificate = Buffer.from(armored(signer.toPublic()));
  const signature = await signDetached(certificate, before.keys[0]!);
  await store.put(layout.certificate(epoch), certificate);
  await store.put(layout.certificateSignature(epoch), signature);
  const place = { store, secrets, sealing, signer };
  for (const owner of roster.owners) await putOwner(place, await parseCertificate(owner.certificate));
  for (const writer of roster.writers) if (writer.removed === undefined) await putWriter(place, await parseCertificate(writer.certificate));
  const digest = sha256(certificate);
  await commit(session, secrets, {
    ...roster,
    epochs: [...roster.epochs, { number: epoch, fingerprint: fingerprint(signer), sha256: digest }],
    clear: { ...roster.clear, [layout.certificate(epoch)]: digest, [layout.certificateSignature(epoch)]: sha256(signature) },
  }, now);
}

/** Writes the roster, from when on the change counts, and turns the session to it. */
async function commit(session: Session, secrets: Secrets, change: Roster, now: Date): Promise<void> {
  const { store, sealing } = session;
  const before = known(session);
  const fresh = await assets();
  const newest = (await rosterFiles(store))[0]?.serial ?? 0;
  const roster: Roster = {
    ...change,
    serial: newest + 1,
    created: rfc3339(now),
    previous: before.digest,
    clear: { ...change.clear, ...Object.fromEntries(fresh.map(([name, body]) => [name, sha256(body)])) },
  };
  const digest = await writeRoster(store, roster, secrets.index[0]!, secrets.keys[0]!, sealing);
  const rival = (await rosterFiles(store)).find((file) => file.serial >= roster.serial && file.digest !== digest);
  if (rival) {
    await store.remove(layout.roster(roster.serial, digest));
    throw new BaluchonError('store', `somebody else changed the keys of ${store.name} at the same moment: ${rival.name}`, { hint: 'nothing was changed: look with baluchon keys list, and run it again' });
  }
  // recover.sh has to know what this version writes.
  for (const [name, body] of fresh) if (before.roster.clear[name] !== sha256(body)) await store.put(name, body);
  const certificates = new Map<string, Certificate>();
  for (const writer of roster.writers) certificates.set(writer.fingerprint, await parseCertificate(writer.certificate));
  const opened: OpenedRoster = { roster, digest, certificates, superseded: [] };
  const epochs = secrets.keys.map((key) => key.toPublic());
  Object.assign(session, { secrets, epochs, certificate: epochs[0]!, signer: secrets.keys[0]!, roster: opened, trust: trustOf(epochs, opened) });
}

function known({ roster }: Session): OpenedRoster {
  if (roster instanceof BaluchonError) throw roster;
  return roster;
}

async function freeSlot({ store }: Session, roster: Roster): Promise<number> {
  let last = 0;
  for (const { slot = 0 } of roster.owners) last = Math.max(last, slot);
  for await (const name of store.names('keys/pass-')) last = Math.max(last, Number(patterns.passphrase.exec(name)?.[1] ?? 0));
  return last + 1;
}

/** Names of what writers have signed so far. */
async function signedFiles({ store }: Session): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.names('bundles/')) if (patterns.manifest.test(name)) names.push(name);
  for await (const name of store.names('index/')) if (patterns.index.test(name)) names.push(name);
  return names.sort();
}

/** Whether `who` is the fingerprint's beginning or end, of 8 or more digits. */
function isFingerprint(id: string, who: string): boolean {
  const digits = who.replaceAll(' ', '').replace(/^0x/i, '').toUpperCase();
  return /^[0-9A-F]{8,}$/.test(digits) && (id.startsWith(digits) || id.endsWith(digits));
}

function matching(session: Session, who: string): Member[] {
  const name = who.replaceAll(' ', '');
  return present(session).filter((member) => member.name === name || member.label === who || isFingerprint(member.fingerprint, who));
}

const present = (session: Session): Member[] => members(session).filter((member) => member.removed === undefined);

function choose(session: Session, who: string): Member {
  const found = matching(session, who);
  if (found.length === 1) return found[0]!;
  const hint = `there are: ${present(session).map((member) => member.name).join(', ')}`;
  throw new BaluchonError('usage', found.length === 0 ? `no owner or writer ${who}` : `${who} stands for ${found.length} owners or writers`, { hint });
}
