import { createDecipheriv, createHash, createPrivateKey, createPublicKey, createSecretKey, diffieHellman, verify, type KeyObject } from 'node:crypto';
import { enums } from 'openpgp';
import type { SessionKey } from './envelope.ts';
import { fingerprint, type Certificate, type SecretKey } from './identity.ts';
import { lenient } from './openpgp.ts';
import { packetAt, tag, type Packet } from './packets.ts';
import type { Unsealed } from './seal.ts';

/*
 * What is done once for every file of a vault, with keys of the sort that a vault has: a session key is taken out (ECDH on Curve25519,
 * RFC 9580, 11.5), a signature is looked at (EdDSA on Ed25519, 5.2.3). OpenPGP.js does both for keys of every sort, in some twenty small jobs that
 * WebCrypto queues one after the other: 2.5 ms for a manifest, where this takes 0.4. What is not of the very form that is written
 * here, or turns out to be no good, is left to it: it has the last word on everything but a yes.
 */

interface Curve {
  /** Of the packet's public-key algorithms. */
  algorithm: number;
  oid: Buffer;
  /** What stands before a raw key in DER. */
  spki: Buffer;
}

const ed25519: Curve = { algorithm: 22, oid: Buffer.from('2b06010401da470f01', 'hex'), spki: Buffer.from('302a300506032b6570032100', 'hex') };
const x25519: Curve = { algorithm: 18, oid: Buffer.from('2b060104019755010501', 'hex'), spki: Buffer.from('302a300506032b656e032100', 'hex') };
const x25519Pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
/** A point as an MPI: 263 bits, the first byte says that the point is in its curve's own form. */
const pointHead = Buffer.from([0x01, 0x07, 0x40]);

const at = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
const publicKey = ({ spki }: Curve, point: Uint8Array): KeyObject => createPublicKey({ key: Buffer.concat([spki, point]), format: 'der', type: 'spki' });

/** The point of a version 4 key packet on this curve, and what follows it. */
function onCurve(packet: Uint8Array, { algorithm, oid }: Curve): { point: Buffer; rest: Buffer } | undefined {
  const head = Buffer.concat([Buffer.from([algorithm, oid.length]), oid, pointHead]);
  const body = at(packet);
  const end = 5 + head.length + 32;
  if (body[0] !== 4 || !body.subarray(5, end - 32).equals(head) || body.length < end) return undefined;
  return { point: body.subarray(end - 32, end), rest: body.subarray(end) };
}

/** An integer of up to `size` bytes, filled up in front, and what follows it. */
function mpi(bytes: Buffer, size: number): { value: Buffer; rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined;
  const length = Math.ceil(bytes.readUInt16BE(0) / 8);
  if (length > size || bytes.length < 2 + length) return undefined;
  return { value: Buffer.concat([Buffer.alloc(size - length), bytes.subarray(2, 2 + length)]), rest: bytes.subarray(2 + length) };
}

/** What is made of an object once, for as long as there is that object. */
function once<O extends object, T>(make: (object: O) => T): (object: O) => T {
  const known = new WeakMap<O, T>();
  return (object) => {
    if (!known.has(object)) known.set(object, make(object));
    return known.get(object)!;
  };
}

const keyId = (id: Uint8Array): string => at(id).toString('hex');

interface Decryption {
  key: KeyObject;
  fingerprint: Buffer;
  kdf: { hash: string; size: 16 | 32; parameters: Buffer };
}

/** By their numbers in OpenPGP (RFC 9580, 9.5 and 9.3), the ciphers' as bytes of a key. */
const hashes: Record<number, string> = { 8: 'sha256', 9: 'sha384', 10: 'sha512' };
const keySizes: Record<number, 16 | 32> = { 7: 16, 9: 32 };

/** A secret key's subkeys on Curve25519, those in the clear, by key id. */
const decryptions = once((secret: SecretKey): Map<string, Decryption> => {
  const found = new Map<string, Decryption>();
  for (const subkey of secret.subkeys) {
    const { point, rest } = onCurve(subkey.keyPacket.write(), x25519) ?? {};
    const hash = hashes[rest?.[2] ?? 0];
    const size = keySizes[rest?.[3] ?? 0];
    // 03, 01, hash, cipher; 00: in the clear; the scalar.
    if (!point || !rest || rest[0] !== 3 || rest[1] !== 1 || !hash || !size || rest[4] !== 0) continue;
    const scalar = mpi(rest.subarray(5), 32)?.value.toReversed();
    if (!scalar) continue;
    const id = Buffer.from(subkey.getFingerprint(), 'hex');
    const parameters = Buffer.concat([Buffer.from([x25519.oid.length]), x25519.oid, Buffer.from([x25519.algorithm]), rest.subarray(0, 4), Buffer.from('Anonymous Sender    '), id]);
    found.set(keyId(id.subarray(-8)), { key: createPrivateKey({ key: Buffer.concat([x25519Pkcs8, scalar]), format: 'der', type: 'pkcs8' }), fingerprint: id, kdf: { hash, size, parameters } });
  }
  return found;
});

/** AES-256 keys that are sealed to one of these keys in packets of version 3 or 6; undefined where none is. */
export function unwrapSessionKeys(keyPackets: Uint8Array, keys: SecretKey[]): SessionKey[] | undefined {
  const found: SessionKey[] = [];
  for (let packet = packetAt(keyPackets, 0); packet; packet = packetAt(keyPackets, packet.end)) {
    if (packet.tag !== tag.pkesk) continue;
    const body = at(keyPackets.subarray(packet.body, packet.end));
    // Version 6 names a version 4 key by its fingerprint, and says nothing of the cipher.
    const start = body[0] === 3 ? 1 : body[0] === 6 && body[1] === 21 && body[2] === 4 ? 15 : undefined;
    if (start === undefined || body[start + 8] !== x25519.algorithm || !body.subarray(start + 9, start + 12).equals(pointHead)) continue;
    const id = keyId(body.subarray(start, start + 8));
    const to = keys.map((key) => decryptions(key).get(id)).find((one) => one !== undefined);
    const [point, wrapped] = [body.subarray(start + 12, start + 44), body.subarray(start + 45)];
    if (!to || body[start + 44] !== wrapped.length || (body[0] === 6 && !body.subarray(3, 23).equals(to.fingerprint))) continue;
    const key = unwrap(to, point, wrapped, body[0] === 3 ? 1 : 0);
    if (key) found.push(key);
  }
  return found.length > 0 ? found : undefined;
}

/** `lead` bytes before the key say for which cipher it is; behind it are the sum of its bytes and PKCS #5's padding. */
function unwrap({ key, kdf }: Decryption, point: Buffer, wrapped: Buffer, lead: 0 | 1): SessionKey | undefined {
  try {
    const shared = diffieHellman({ privateKey: key, publicKey: publicKey(x25519, point) });
    const kek = createHash(kdf.hash).update(Buffer.concat([Buffer.from([0, 0, 0, 1]), shared, kdf.parameters])).digest().subarray(0, kdf.size);
    const decipher = createDecipheriv(`id-aes${kdf.size * 8}-wrap`, createSecretKey(kek), Buffer.alloc(8, 0xa6));
    const plain = Buffer.concat([decipher.update(wrapped), decipher.final()]);
    const session = plain.subarray(lead, lead + 32);
    const sum = session.reduce((total, byte) => total + byte, 0) & 0xffff;
    const padding = plain.subarray(lead + 34);
    const whole = session.length === 32 && (lead === 0 || plain[0] === 9) && plain.readUInt16BE(lead + 32) === sum && padding.length > 0 && padding.every((byte) => byte === padding.length);
    return whole ? session : undefined;
  } catch {
    return undefined;
  }
}

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
  const parts = [...split(packets)];
  if (parts.map((part) => part.tag).join() !== '4,11,2' || parts[2]!.end !== packets.length) return undefined;
  const [onePass, literal, signature] = parts.map((part) => at(packets.subarray(part.body, part.end))) as [Buffer, Buffer, Buffer];
  const signed = readSignature(signature);
  if (!signed || literal[0] !== 0x62) return undefined;
  const id = keyId(onePass.subarray(4, 12));
  // 03, binary, hash, algorithm, key id, the last one.
  if (onePass.length !== 13 || keyId(onePass.subarray(0, 4)) !== keyId(Buffer.from([3, 0, signature[3]!, ed25519.algorithm])) || onePass[12] !== 1) return undefined;
  const signer = signers.find((certificate) => certificate.getKeys().some((key) => key.getKeyID().toHex() === id));
  const with_ = signer && verifications(signer).get(id);
  if (!with_ || signed.issuers.some((issuer) => issuer !== id) || with_.created > signed.created) return undefined;
  const data = literal.subarray(6 + literal[1]!);
  const digest = createHash(signed.hash).update(data).update(signed.trailer).digest();
  if (!digest.subarray(0, 2).equals(signed.left) || !verify(null, digest, with_.key, signed.value)) return undefined;
  return (await couldSign(signer, with_, signed.created)) ? { data, signer: fingerprint(signer), claimed: [id.toUpperCase()] } : undefined;
}

function* split(packets: Uint8Array): Generator<Packet> {
  for (let end = 0; end < packets.length; ) {
    const packet = packetAt(packets, end);
    if (!packet) return;
    yield packet;
    end = packet.end;
  }
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
    else if (type === known.issuer && value.length === 8) issuers.push(keyId(value));
    else if (type === known.issuerFingerprint && value.length === 21 && value[0] === 4) issuers.push(keyId(value.subarray(-8)));
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
