import { createDecipheriv, createHash, createPrivateKey, createSecretKey, diffieHellman, type KeyObject } from 'node:crypto';
import { buffer, hashes, mpi, once, onCurve, pointHead, publicKey, x25519 } from './curve25519.ts';
import type { SessionKey } from './envelope.ts';
import type { SecretKey } from './identity.ts';
import { packetsIn, tag } from './packets.ts';

/** What stands before a raw secret key in DER. */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

interface Decryption {
  key: KeyObject;
  fingerprint: Buffer;
  kdf: { hash: string; size: 16 | 32; parameters: Buffer };
}

/** By its number in OpenPGP (RFC 9580, 9.3): bytes of a cipher's key. */
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
    found.set(id.toString('hex', id.length - 8), { key: createPrivateKey({ key: Buffer.concat([pkcs8, scalar]), format: 'der', type: 'pkcs8' }), fingerprint: id, kdf: { hash, size, parameters } });
  }
  return found;
});

/** AES-256 keys that are sealed to one of these keys in packets of version 3 or 6; undefined where none is. */
export function unwrapSessionKeys(keyPackets: Uint8Array, keys: SecretKey[]): SessionKey[] | undefined {
  const found: SessionKey[] = [];
  for (const packet of packetsIn(keyPackets)) {
    if (packet.tag !== tag.pkesk) continue;
    const body = buffer(keyPackets.subarray(packet.body, packet.end));
    // Version 6 names a version 4 key by its fingerprint, and says nothing of the cipher.
    const start = body[0] === 3 ? 1 : body[0] === 6 && body[1] === 21 && body[2] === 4 ? 15 : undefined;
    if (start === undefined || body[start + 8] !== x25519.algorithm || !body.subarray(start + 9, start + 12).equals(pointHead)) continue;
    const id = body.toString('hex', start, start + 8);
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
