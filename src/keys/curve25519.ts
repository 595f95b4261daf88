import { createPublicKey, type KeyObject } from 'node:crypto';

/*
 * What is done once for every file of a vault, with keys of the sort that a vault has: a session key is taken out (ECDH on Curve25519,
 * RFC 9580, 11.5; unwrap.ts), a signature is looked at (EdDSA on Ed25519, 5.2.3; signed.ts). OpenPGP.js does both for keys of every sort, in some twenty small jobs that
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

/** What is made of an object once, for as long as there is that object. */
export function once<O extends object, T>(make: (object: O) => T): (object: O) => T {
  const known = new WeakMap<O, T>();
  return (object) => {
    if (!known.has(object)) known.set(object, make(object));
    return known.get(object)!;
  };
}
