import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { decipherAead, encipherAead } from './aead.ts';
import type { Sealing } from './openpgp.ts';
import { release } from '../memory.ts';
import { literalHeader, packetAt, packetHeader, room, tag } from './packets.ts';

/** 32 bytes: AES-256. */
export type SessionKey = Uint8Array;

const slice = 1 << 18;
/** Small enough for the caches of a processor. */
const cfbPiece = 1 << 16;
const noIv = Buffer.alloc(16);
const mdcHeader = Buffer.from([0xd3, 0x14]);

/** Bytes of a message between the session key packets and the first byte of its literal data, with profile `rfc4880`. */
export const envelopeLead = 6 + 1 + 18 + 12;

/** Bytes that sealing adds to `length` bytes of plaintext, without the packets that carry the session key. */
export const envelopeOverhead = 6 + 1 + 18 + 12 + 22;

/**
 * An OpenPGP symmetrically encrypted, integrity protected packet, version 1 (RFC 4880, 5.13), of `parts` one after the other:
 * as one literal data packet, or as they are when they are packets already (`packets`). OpenPGP.js does the same at half
 * the speed and several copies. With profile `rfc9580` it is version 2. The message lies in `into` where that is
 * large enough; a part may lie there already, at the place where it will come to be.
 */
export function encipher(key: SessionKey, parts: Uint8Array[], options: { packets?: boolean; keyPackets?: Uint8Array; sealing?: Sealing; into?: Uint8Array | undefined } = {}): Buffer {
  if (options.sealing === 'rfc9580') return encipherAead(key, parts, options);
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = options.packets ? Buffer.alloc(0) : literalHeader(length);
  const inner = 18 + head.length + length + 22;
  const keyPackets = options.keyPackets ?? Buffer.alloc(0);
  const out = room(keyPackets.length + 7 + inner, options.into);
  out.set(keyPackets, 0);
  out.set(packetHeader(tag.seipd, 1 + inner), keyPackets.length);
  let at = keyPackets.length + 6;
  out[at++] = 1;
  const cipher = createCipheriv('aes-256-cfb', key, noIv);
  const digest = createHash('sha1');
  const write = (bytes: Uint8Array, hashed = true) => {
    for (let from = 0; from < bytes.length; from += slice) {
      const piece = bytes.subarray(from, from + slice);
      if (hashed) digest.update(piece);
      const sealed = cipher.update(piece);
      out.set(sealed, at);
      at += sealed.length;
      release(sealed);
    }
  };
  const prefix = Buffer.allocUnsafe(18);
  randomBytes(16).copy(prefix);
  prefix.copy(prefix, 16, 14, 16);
  write(prefix);
  write(head);
  for (const part of parts) write(part);
  write(mdcHeader);
  write(digest.digest(), false);
  return out;
}

export interface Opened {
  /** The literal data's bytes, or undefined when the message holds something else (a signed message). */
  literal: Buffer | undefined;
  /** All packets inside. */
  packets: Buffer;
}

/** The packets before the encrypted one, and its place; undefined when the bytes are no message of this form. */
export function splitMessage(message: Uint8Array): { keyPackets: Uint8Array; body: Uint8Array } | undefined {
  let packet = packetAt(message, 0);
  while (packet && (packet.tag === tag.pkesk || packet.tag === tag.skesk)) packet = packetAt(message, packet.end);
  if (!packet || packet.tag !== tag.seipd || packet.end !== message.length) return undefined;
  return { keyPackets: message.subarray(0, packet.start), body: message.subarray(packet.body, packet.end) };
}

/**
 * Opens the body of a SEIPD packet, version 1 or 2; undefined when the key does not fit or a byte of it was changed. With
 * `inPlace` the plaintext of version 1 takes the place of the ciphertext, whatever comes of it. `proven`: its SHA-1 need not be
 * looked at, as all that matters of it is proven otherwise.
 */
export function decipher(key: SessionKey, body: Uint8Array, { inPlace = false, proven = false } = {}): Opened | undefined {
  if (body[0] === 2) {
    const packets = decipherAead(key, body);
    return packets && contents(packets);
  }
  if (body[0] !== 1 || body.length < 1 + 18 + 22) return undefined;
  const sealed = body.subarray(1);
  const plain = inPlace ? Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length) : Buffer.allocUnsafeSlow(sealed.length);
  const digest = createHash('sha1');
  const hashed = plain.length - 20;
  decipherCfb(key, sealed, (piece, at) => {
    plain.set(piece, at);
    if (at < hashed && !proven) digest.update(piece.subarray(0, hashed - at));
  });
  if (plain.readUInt16BE(14) !== plain.readUInt16BE(16)) return undefined;
  if (!plain.subarray(hashed - 2, hashed).equals(mdcHeader)) return undefined;
  if (!proven && !digest.digest().equals(plain.subarray(hashed))) return undefined;
  return contents(plain.subarray(18, hashed - 2));
}

/**
 * AES-256 in CFB, backwards: to open a block takes nothing but the ciphertext before it, so that the blocks are enciphered many at
 * once (ECB) and combined with the ciphertext here. OpenSSL's own goes block after block, at a third of the speed.
 * `see` gets the plaintext piece by piece, and must not keep a piece.
 */
function decipherCfb(key: SessionKey, sealed: Uint8Array, see: (piece: Buffer, at: number) => void): void {
  const blocks = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  // The last block of the piece before, then the piece itself, filled up to whole blocks.
  const line = Buffer.alloc(16 + Math.min(cfbPiece, Math.ceil(sealed.length / 16) * 16));
  const words = new Uint32Array(line.buffer, line.byteOffset + 16);
  for (let at = 0; at < sealed.length; at += cfbPiece) {
    const length = Math.min(cfbPiece, sealed.length - at);
    const whole = Math.ceil(length / 16) * 16;
    line.set(sealed.subarray(at, at + length), 16);
    const stream = blocks.update(line.subarray(0, whole));
    combine(new Uint32Array(stream.buffer, stream.byteOffset, whole / 4), words);
    see(stream.subarray(0, length), at);
    release(stream);
    line.copyWithin(0, length, length + 16);
  }
}

function combine(into: Uint32Array, words: Uint32Array): void {
  const { length } = into;
  for (let at = 0; at < length; at++) into[at]! ^= words[at]!;
}

function contents(packets: Buffer): Opened {
  const packet = packetAt(packets, 0);
  const whole = packet?.tag === tag.literal && packet.end === packets.length ? packet : undefined;
  const nameLength = whole && packets[whole.body + 1];
  return { packets, literal: whole && nameLength !== undefined ? packets.subarray(whole.body + 6 + nameLength, whole.end) : undefined };
}
