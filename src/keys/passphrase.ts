import * as crypto from 'node:crypto';
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { SessionKey } from './envelope.ts';
import { mostMemoryExponent } from './openpgp.ts';
import { packetHeader, packetsIn, tag } from './packets.ts';

const sha256 = 8;
const aes256 = 9;
const gcm = 3;
const iterated = 3;
const argon = 4;

/** The S2K count octet (RFC 4880, 3.7.1.3): a person's passphrase gets the most there is, 65,011,712 bytes; 32 random bytes need no stretching. */
export const stretch = { most: 0xff, none: 0x00 } as const;

/** Argon2id as RFC 9580 recommends it where memory is short (3.7.1.4): 3 passes, 4 lanes, 64 MiB. */
const passes = 3;
const lanes = 4;
const memoryExponent = 16;

/** Iterated and salted S2K with SHA-256: the key of 32 bytes. Hashed piece by piece; OpenPGP.js builds all 62 MiB in memory. */
function stringToKey(passphrase: string, salt: Uint8Array, octet: number): Buffer {
  const once = Buffer.concat([salt, Buffer.from(passphrase, 'utf8')]);
  const count = Math.max((16 + (octet & 15)) << ((octet >> 4) + 6), once.length);
  const many = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(65536 / once.length)) }, () => once));
  const hash = createHash('sha256');
  let left = count;
  for (; left >= many.length; left -= many.length) hash.update(many);
  return hash.update(many.subarray(0, left)).digest();
}

const cfb = (make: typeof createCipheriv | typeof createDecipheriv, key: Uint8Array, data: Uint8Array) =>
  make('aes-256-cfb', key, Buffer.alloc(16)).update(data);

/** A version 4 symmetric-key encrypted session key packet (RFC 4880, 5.3) for AES-256. */
export function lockSessionKey(key: SessionKey, passphrase: string, octet: number): Buffer {
  const salt = randomBytes(8);
  const locked = cfb(createCipheriv, stringToKey(passphrase, salt, octet), Buffer.concat([Buffer.from([aes256]), key]));
  const body = Buffer.concat([Buffer.from([4, aes256, iterated, sha256]), salt, Buffer.from([octet]), locked]);
  return Buffer.concat([Buffer.from([0xc0 | tag.skesk, body.length]), body]);
}

/** Of Node since 24.7. OpenPGP.js' own keeps its 64 MiB until the collector comes, and takes twice the time. */
export const hasArgon = 'argon2Sync' in crypto;

/** The key of 32 bytes that a specifier (RFC 9580, 3.7.1) makes of a passphrase: Argon2, or iterated and salted with SHA-256; undefined for others. @throws for parameters that no Argon2 has. */
function keyOf(specifier: Uint8Array, passphrase: string): Uint8Array | undefined {
  if (specifier[0] === iterated && specifier[1] === sha256 && specifier.length === 11) return stringToKey(passphrase, specifier.subarray(2, 10), specifier[10]!);
  if (specifier[0] !== argon || specifier.length !== 20 || !hasArgon || specifier[19]! > mostMemoryExponent) return undefined;
  const [passes = 0, parallelism = 0, exponent = 0] = specifier.subarray(17);
  return crypto.argon2Sync('argon2id', { message: Buffer.from(passphrase, 'utf8'), nonce: specifier.subarray(1, 17), passes, parallelism, memory: 2 ** exponent, tagLength: 32 });
}

/** What the session key is sealed with, and what is authenticated with it (RFC 9580, 5.3.2). */
function wrapping(key: Uint8Array): { kek: Buffer; associated: Buffer } {
  const associated = Buffer.from([0xc0 | tag.skesk, 6, aes256, gcm]);
  return { kek: Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), associated, 32)), associated };
}

/** A version 6 packet (RFC 9580, 5.3.2) for AES-256 in GCM: of a person's passphrase stretched by Argon2, of 32 random bytes not at all. */
export function lockSessionKeyAead(key: SessionKey, passphrase: string, stretched: boolean): Buffer {
  const specifier = stretched ? Buffer.from([argon, ...randomBytes(16), passes, lanes, memoryExponent]) : Buffer.from([iterated, sha256, ...randomBytes(8), stretch.none]);
  const { kek, associated } = wrapping(keyOf(specifier, passphrase)!);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', kek, iv).setAAD(associated);
  const locked = Buffer.concat([cipher.update(key), cipher.final(), cipher.getAuthTag()]);
  const fields = Buffer.concat([Buffer.from([aes256, gcm, specifier.length]), specifier, iv]);
  const body = Buffer.concat([Buffer.from([6, fields.length]), fields, locked]);
  return Buffer.concat([packetHeader(tag.skesk, body.length), body]);
}

/** The session key of a version 6 packet in the form above; undefined for other forms, null where the passphrase does not fit. */
function unlockAead(body: Uint8Array, passphrase: string): SessionKey | null | undefined {
  const length = body[4] ?? 0;
  const [specifier, iv, locked] = [body.subarray(5, 5 + length), body.subarray(5 + length, 17 + length), body.subarray(17 + length)];
  if (body[1] !== 15 + length || body[2] !== aes256 || body[3] !== gcm || locked.length !== 48) return undefined;
  try {
    const key = keyOf(specifier, passphrase);
    if (!key) return undefined;
    const { kek, associated } = wrapping(key);
    const decipher = createDecipheriv('aes-256-gcm', kek, iv).setAAD(associated).setAuthTag(locked.subarray(32));
    return Buffer.concat([decipher.update(locked.subarray(0, 32)), decipher.final()]);
  } catch {
    return null;
  }
}

/** That of a version 4 packet: whether it is right shows only when the message opens with it. */
function unlock(body: Uint8Array, passphrase: string): SessionKey | null {
  if (body.length !== 46 || body[1] !== aes256 || body[2] !== iterated || body[3] !== sha256) return null;
  const opened = cfb(createDecipheriv, stringToKey(passphrase, body.subarray(4, 12), body[12]!), body.subarray(13));
  return opened[0] === aes256 ? opened.subarray(1) : null;
}

/** The session keys that a passphrase may open; undefined where no packet is of a form that is known here. */
export function unlockSessionKeys(keyPackets: Uint8Array, passphrase: string): SessionKey[] | undefined {
  const found: (SessionKey | null)[] = [];
  for (const packet of packetsIn(keyPackets)) {
    if (packet.tag !== tag.skesk) continue;
    const body = keyPackets.subarray(packet.body, packet.end);
    const key = body[0] === 4 ? unlock(body, passphrase) : body[0] === 6 ? unlockAead(body, passphrase) : undefined;
    if (key !== undefined) found.push(key);
  }
  return found.length > 0 ? found.filter((key) => key !== null) : undefined;
}
