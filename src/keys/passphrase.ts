import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { packetsIn, tag } from './packets.ts';
import type { SessionKey } from './envelope.ts';

const sha256 = 8;
const aes256 = 9;
const iterated = 3;

/** The S2K count octet (RFC 4880, 3.7.1.3): a person's passphrase gets the most there is, 65,011,712 bytes; 32 random bytes need no stretching. */
export const stretch = { most: 0xff, none: 0x00 } as const;

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

/**
 * The session keys that a passphrase may open; that one is right shows only when the message opens with it. Undefined where
 * no packet is of version 4.
 */
export function unlockSessionKeys(keyPackets: Uint8Array, passphrase: string): SessionKey[] | undefined {
  let found: SessionKey[] | undefined;
  for (const packet of packetsIn(keyPackets)) {
    const body = keyPackets.subarray(packet.body, packet.end);
    if (packet.tag !== tag.skesk || body[0] !== 4) continue;
    found ??= [];
    if (body.length !== 46) continue;
    if (body[1] !== aes256 || body[2] !== iterated || body[3] !== sha256) continue;
    const opened = cfb(createDecipheriv, stringToKey(passphrase, body.subarray(4, 12), body[12]!), body.subarray(13));
    if (opened[0] === aes256) found.push(opened.subarray(1));
  }
  return found;
}
