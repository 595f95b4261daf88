import { createHash, verify, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { enums } from 'openpgp';
import { buffer, ed25519, hashes, mpi, once, onCurve, publicKey } from './curve25519.ts';
import { fingerprint, type Certificate } from './identity.ts';
import { lenient } from './openpgp.ts';
import { literalData, packetsIn, tag } from './packets.ts';
import type { Unsealed } from './seal.ts';

/** Beside everything else: it is the longest part of opening a manifest. */
const isGood = promisify<null, Buffer, KeyObject, Buffer, boolean>(verify);
const known = { created: 2, issuer: 16, notation: 20, issuerFingerprint: 33 } as const;

interface Verification {
  key: KeyObject;
  /** Seconds. */
  created: number;
  id: ReturnType<Certificate['getKeyID']>;
  /** A time at which it could sign, and since when it always could. */
  since?: number;
}

/** Nothing of it ends, was revoked, or is said twice: what it could do once, it could do ever after. */
const steady = once((certificate: Certificate): boolean => {
  const { users, subkeys } = certificate;
  const said = [...users.map((user) => user.selfCertifications[0]), ...subkeys.map((subkey) => subkey.bindingSignatures[0])];
  const all = certificate.toPacketList().filterByTag(enums.packet.signature);
  return users.length === 1 && all.length === said.length && said.every((one) => one?.signatureNeverExpires === true && one.keyNeverExpires !== false);
});

/** Whether OpenPGP.js says that it could sign then. It takes a quarter of the whole to say so, and is not asked twice where it must say the same. */
async function couldSign(certificate: Certificate, key: Verification, at: number): Promise<boolean> {
  if (key.since !== undefined && key.since <= at) return true;
  const could = await certificate.getSigningKey(key.id, new Date(at * 1000), undefined, lenient).then(() => true, () => false);
  if (could && steady(certificate)) key.since = at;
  return could;
}

/** A certificate's keys on Ed25519, by key id. */
const verifications = once((certificate: Certificate): Map<string, Verification> => {
  const found = new Map<string, Verification>();
  for (const key of certificate.getKeys()) {
    const { point } = onCurve(key.keyPacket.write(), ed25519) ?? {};
    if (point) found.set(key.getKeyID().toHex(), { key: publicKey(ed25519, point), created: key.getCreationTime().getTime() / 1000, id: key.getKeyID() });
  }
  return found;
});

/**
 * What a message of one binary signature says, where that is good and by one of the signers; undefined where it is not, or of any other form. Whether
 * the key could sign at that time is OpenPGP.js's to say.
 */
export async function openSigned(packets: Uint8Array, signers: Certificate[]): Promise<Unsealed | undefined> {
  const [first, literal, last, ...more] = packetsIn(packets);
  if (first?.tag !== tag.onePass || literal?.tag !== tag.literal || last?.tag !== tag.signature || more.length > 0 || last.end !== packets.length) return undefined;
  const onePass = buffer(packets.subarray(first.body, first.end));
  const signature = buffer(packets.subarray(last.body, last.end));
  const signed = readSignature(signature);
  if (!signed || packets[literal.body] !== 0x62) return undefined;
  const id = onePass.toString('hex', 4, 12);
  // 03, binary, hash, algorithm, key id, the last one.
  if (onePass.length !== 13 || !onePass.subarray(0, 4).equals(Buffer.from([3, 0, signature[3]!, ed25519.algorithm])) || onePass[12] !== 1) return undefined;
  const signer = signers.find((certificate) => certificate.getKeys().some((key) => key.getKeyID().toHex() === id));
  const with_ = signer && verifications(signer).get(id);
  if (!with_ || signed.issuers.some((issuer) => issuer !== id) || with_.created > signed.created) return undefined;
  const data = packets.subarray(literalData(packets, literal), literal.end);
  const digest = createHash(signed.hash).update(data).update(signed.trailer).digest();
  if (!digest.subarray(0, 2).equals(signed.left) || !(await isGood(null, digest, with_.key, signed.value))) return undefined;
  return (await couldSign(signer, with_, signed.created)) ? { data, signer: fingerprint(signer), claimed: [id.toUpperCase()] } : undefined;
}

/** A version 4 signature packet's body with EdDSA, over bytes. */
function readSignature(body: Buffer): { hash: string; created: number; issuers: string[]; trailer: Buffer; left: Buffer; value: Buffer } | undefined {
  const hash = hashes[body[3] ?? 0];
  if (body.length < 10 || body[0] !== 4 || body[1] !== 0 || body[2] !== ed25519.algorithm || !hash) return undefined;
  const hashedEnd = 6 + body.readUInt16BE(4);
  if (hashedEnd + 4 > body.length) return undefined;
  const unhashedEnd = hashedEnd + 2 + body.readUInt16BE(hashedEnd);
  const hashed = subpackets(body.subarray(6, hashedEnd));
  const unhashed = subpackets(body.subarray(hashedEnd + 2, unhashedEnd));
  const r = mpi(body.subarray(unhashedEnd + 2), 32);
  const s = r && mpi(r.rest, 32);
  if (!hashed || !unhashed || !s || s.rest.length > 0) return undefined;
  const issuers: string[] = [];
  let created: number | undefined;
  for (const { type, critical, value } of [...hashed, ...unhashed]) {
    if (type === known.created && value.length === 4 && created === undefined) created = value.readUInt32BE(0);
    else if (type === known.issuer && value.length === 8) issuers.push(value.toString('hex'));
    else if (type === known.issuerFingerprint && value.length === 21 && value[0] === 4) issuers.push(value.toString('hex', 13));
    else if (type !== known.notation || critical) return undefined;
  }
  if (created === undefined || unhashed.some(({ type }) => type === known.created) || issuers.length === 0) return undefined;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(hashedEnd);
  const trailer = Buffer.concat([body.subarray(0, hashedEnd), Buffer.from([4, 0xff]), length]);
  return { hash, created, issuers, trailer, left: body.subarray(unhashedEnd, unhashedEnd + 2), value: Buffer.concat([r.value, s.value]) };
}

/** Those of less than 192 bytes; undefined where there are others. */
function subpackets(area: Buffer): { type: number; critical: boolean; value: Buffer }[] | undefined {
  const found: { type: number; critical: boolean; value: Buffer }[] = [];
  for (let start = 0; start < area.length; ) {
    const length = area[start]!;
    const end = start + 1 + length;
    if (length === 0 || length >= 192 || end > area.length) return undefined;
    found.push({ type: area[start + 1]! & 0x7f, critical: (area[start + 1]! & 0x80) !== 0, value: area.subarray(start + 2, end) });
    start = end;
  }
  return found;
}
