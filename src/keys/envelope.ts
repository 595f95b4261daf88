import { createCipheriv, createHash, createSecretKey, randomBytes } from 'node:crypto';
import { aeadLead, decipherAead, encipherAead } from './aead.ts';
import type { Sealing } from './openpgp.ts';
import { release } from '../memory.ts';
import { literalData, literalHeader, literalLead, packetAt, packetHeader, room, tag } from './packets.ts';

/** 32 bytes: AES-256. */
export type SessionKey = Uint8Array;

/** Small enough for the caches of a processor. */
const cfbPiece = 1 << 16;
const noIv = Buffer.alloc(16);
const mdcHeader = Buffer.from([0xd3, 0x14]);

/** Bytes of a message of `length` bytes between the session key packets and where its literal data must lie to be sealed in place. */
export function envelopeLead(sealing: Sealing, length: number): number {
  return sealing === 'rfc9580' ? aeadLead(length) : 6 + 1 + 18 + literalLead;
}

/**
 * An OpenPGP symmetrically encrypted, integrity protected packet, version 1 (RFC 4880, 5.13), of `parts` one after the other:
 * as one literal data packet, or as they are when they are packets already (`packets`). OpenPGP.js does the same at half
 * the speed and several copies. With profile `rfc9580` it is version 2. The message lies in `into` where that is
 * large enough; literal data may lie there already, where `envelopeLead` has it.
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
  out[keyPackets.length + 6] = 1;
  const plain = out.subarray(keyPackets.length + 7);
  const prefix = randomBytes(16);
  let end = 0;
  for (const part of [prefix, prefix.subarray(14), head, ...parts, mdcHeader]) {
    plain.set(part, end);
    end += part.length;
  }
  plain.set(createHash('sha1').update(plain.subarray(0, end)).digest(), end);
  cfb('seal', key, plain, (piece, where) => plain.set(piece, where));
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
 * `inPlace` the plaintext takes the place of the ciphertext, whatever comes of it. `proven`: its SHA-1 need not be
 * looked at, as all that matters of it is proven otherwise.
 */
export function decipher(key: SessionKey, body: Uint8Array, { inPlace = false, proven = false } = {}): Opened | undefined {
  if (body[0] === 2) {
    const packets = decipherAead(key, body, inPlace);
    return packets && contents(packets);
  }
  if (body[0] !== 1 || body.length < 1 + 18 + 22) return undefined;
  const sealed = body.subarray(1);
  const plain = inPlace ? Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length) : Buffer.allocUnsafeSlow(sealed.length);
  const digest = createHash('sha1');
  const hashed = plain.length - 20;
  cfb('open', key, sealed, (piece, at) => {
    plain.set(piece, at);
    if (at < hashed && !proven) digest.update(piece.subarray(0, hashed - at));
  });
  if (plain.readUInt16BE(14) !== plain.readUInt16BE(16)) return undefined;
  if (!plain.subarray(hashed - 2, hashed).equals(mdcHeader)) return undefined;
  if (!proven && !digest.digest().equals(plain.subarray(hashed))) return undefined;
  return contents(plain.subarray(18, hashed - 2));
}

/**
 * AES-256 in CFB: what a block is combined with is the block of ciphertext before it, enciphered. To open, all of these are there at
 * once (ECB). To seal, they are what CBC makes of the plaintext, one block further on: CBC enciphers the plaintext combined with
 * what it made of the block before, and that is the ciphertext. OpenSSL has fast code for both, and none for CFB itself.
 * `see` gets the bytes piece by piece, may put them in place of what they are made of, and must not keep a piece.
 */
function cfb(way: 'seal' | 'open', key: SessionKey, bytes: Uint8Array, see: (piece: Buffer, at: number) => void): void {
  // Of a key as bytes Node asks first, at 30 microseconds, whether it be something else.
  const secret = createSecretKey(key);
  const blocks = (way === 'open' ? createCipheriv('aes-256-ecb', secret, null) : createCipheriv('aes-256-cbc', secret, noIv)).setAutoPadding(false);
  // The last block of the piece before, then the piece itself, filled up to whole blocks.
  const line = Buffer.alloc(16 + Math.min(cfbPiece, Math.ceil(bytes.length / 16) * 16));
  const words = new Int32Array(line.buffer, line.byteOffset + 16);
  for (let at = 0; at < bytes.length; at += cfbPiece) {
    const length = Math.min(cfbPiece, bytes.length - at);
    const whole = Math.ceil(length / 16) * 16;
    line.set(bytes.subarray(at, at + length), 16);
    const stream = blocks.update(line.subarray(0, whole));
    combine(new Int32Array(stream.buffer, stream.byteOffset, whole / 4), words);
    see(stream.subarray(0, length), at);
    release(stream);
    line.copyWithin(0, length, length + 16);
  }
}

/** Whole blocks: four words at a time take half as long as one by one. */
function combine(into: Int32Array, words: Int32Array): void {
  const { length } = into;
  for (let at = 0; at < length; at += 4) {
    into[at]! ^= words[at]!;
    into[at + 1]! ^= words[at + 1]!;
    into[at + 2]! ^= words[at + 2]!;
    into[at + 3]! ^= words[at + 3]!;
  }
}

function contents(packets: Buffer): Opened {
  const packet = packetAt(packets, 0);
  const whole = packet?.tag === tag.literal && packet.end === packets.length ? packet : undefined;
  return { packets, literal: whole && packets.subarray(literalData(packets, whole), whole.end) };
}
