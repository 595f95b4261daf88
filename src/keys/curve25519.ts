import { createHash, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';

/*
 * What is done once for every file of a vault, with keys of the sort that a vault has: a session key is put in and taken out (ECDH on Curve25519,
 * RFC 9580, 11.5; wrap.ts, unwrap.ts), a signature is looked at (EdDSA on Ed25519, 5.2.3; signed.ts). OpenPGP.js does all of it for keys of every sort, in some twenty small jobs that
 * WebCrypto queues one after the other: 2 ms for a manifest, where this takes 0.6. What is not of the very form that is written
 * here, or turns out to be no good, is left to it: it has the last word on everything but a yes.
 */

export interface Curve {
  /** Of the packet's public-key algorithms. */
  algorithm: number;
  oid: Buffer;
  /** What stands before a raw key in DER. */
  spki: Buffer;
}

export const ed25519: Curve = { algorithm: 22, oid: Buffer.from('2b06010401da470f01', 'hex'), spki: Buffer.from('302a300506032b6570032100', 'hex') };
export const x25519: Curve = { algorithm: 18, oid: Buffer.from('2b060104019755010501', 'hex'), spki: Buffer.from('302a300506032b656e032100', 'hex') };
/** A point as an MPI: 263 bits, the first byte says that the point is in its curve's own form. */
export const pointHead = Buffer.from([0x01, 0x07, 0x40]);

/** By their numbers in OpenPGP (RFC 9580, 9.5). */
export const hashes: Record<number, string> = { 8: 'sha256', 9: 'sha384', 10: 'sha512' };

/** The same bytes. */
export const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
/** As PEM: of anything but a string Node finds out by four exceptions what it is, which take longer than the rest. */
export const publicKey = ({ spki }: Curve, point: Uint8Array): KeyObject => createPublicKey(`-----BEGIN PUBLIC KEY-----\n${Buffer.concat([spki, point]).toString('base64')}\n-----END PUBLIC KEY-----\n`);

/** The point of a version 4 key packet on this curve, and what follows it. */
export function onCurve(packet: Uint8Array, { algorithm, oid }: Curve): { point: Buffer; rest: Buffer } | undefined {
  const head = Buffer.concat([Buffer.from([algorithm, oid.length]), oid, pointHead]);
  const body = buffer(packet);
  const end = 5 + head.length + 32;
  if (body[0] !== 4 || !body.subarray(5, end - 32).equals(head) || body.length < end) return undefined;
  return { point: body.subarray(end - 32, end), rest: body.subarray(end) };
}

/** An integer of up to `size` bytes, filled up in front, and what follows it. */
export function mpi(bytes: Buffer, size: number): { value: Buffer; rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined;
  const length = Math.ceil(bytes.readUInt16BE(0) / 8);
  if (length > size || bytes.length < 2 + length) return undefined;
  return { value: Buffer.concat([Buffer.alloc(size - length), bytes.subarray(2, 2 + length)]), rest: bytes.subarray(2 + length) };
}

/** How a key-encryption key comes of a shared secret. */
export interface Kdf {
  hash: string;
  size: 16 | 32;
  parameters: Buffer;
}

/** By its number in OpenPGP (RFC 9580, 9.3): bytes of a cipher's key. */
const keySizes: Record<number, 16 | 32> = { 7: 16, 9: 32 };

/** Of a key on X25519 with this fingerprint, by what follows its point: 03, 01, hash, cipher. */
export function kdfOf(rest: Buffer, fingerprint: Buffer): Kdf | undefined {
  const hash = hashes[rest[2] ?? 0];
  const size = keySizes[rest[3] ?? 0];
  if (rest[0] !== 3 || rest[1] !== 1 || !hash || !size) return undefined;
  return { hash, size, parameters: Buffer.concat([Buffer.from([x25519.oid.length]), x25519.oid, Buffer.from([x25519.algorithm]), rest.subarray(0, 4), Buffer.from('Anonymous Sender    '), fingerprint]) };
}

export function kekOf({ hash, size, parameters }: Kdf, shared: Buffer): KeyObject {
  return createSecretKey(createHash(hash).update(Buffer.concat([Buffer.from([0, 0, 0, 1]), shared, parameters])).digest().subarray(0, size));
}

/** What AES key wrap begins with (RFC 3394). */
export const wrapIv = Buffer.alloc(8, 0xa6);

/** What is made of an object once, for as long as there is that object. */
export function once<O extends object, T>(make: (object: O) => T): (object: O) => T {
  const known = new WeakMap<O, T>();
  return (object) => {
    if (!known.has(object)) known.set(object, make(object));
    return known.get(object)!;
  };
}
