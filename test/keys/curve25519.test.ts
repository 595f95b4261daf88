import { createMessage, decryptSessionKeys, encryptKey, enums, generateKey, readMessage, reformatKey, revokeKey, sign, verify, type PrivateKey } from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateIdentity, openSessionKeys, readIdentity, sealSessionKey, type SecretKey } from '../../src/keys/index.ts';
import { anyTime, lenient, rfc4880 } from '../../src/keys/openpgp.ts';
import { openSigned } from '../../src/keys/signed.ts';
import { unwrapSessionKeys } from '../../src/keys/unwrap.ts';

const text = Buffer.from('what was signed');
const session = Buffer.alloc(32, 7);

let key: SecretKey;
let other: SecretKey;
beforeAll(async () => {
  [key, other] = [await generateIdentity('one'), await generateIdentity('other')];
});

const signedBy = async (signer: PrivateKey, options: Partial<Parameters<typeof sign>[0]> = {}): Promise<Uint8Array> =>
  (await sign({ message: await createMessage({ binary: text, format: 'binary' }), signingKeys: signer, format: 'binary', config: rfc4880, ...options } as Parameters<typeof sign>[0])) as unknown as Uint8Array;

/** What OpenPGP.js makes of it. */
async function judged(packets: Uint8Array, by: PrivateKey): Promise<string | undefined> {
  try {
    const result = await verify({ message: await readMessage({ binaryMessage: packets, config: lenient }), verificationKeys: by.toPublic(), date: anyTime, format: 'binary', config: lenient });
    await result.signatures[0]!.verified;
    return Buffer.from(result.data as Uint8Array).toString();
  } catch {
    return undefined;
  }
}

async function unwrapped(packets: Uint8Array): Promise<string | undefined> {
  try {
    const found = await decryptSessionKeys({ message: await readMessage({ binaryMessage: packets, config: lenient }), decryptionKeys: key, date: anyTime, config: lenient });
    return Buffer.from(found[0]!.data).toString('hex');
  } catch {
    return undefined;
  }
}

const flipped = (bytes: Uint8Array, at: number, bit: number): Uint8Array => bytes.with(at, bytes[at]! ^ (1 << bit));

describe('a signature', () => {
  test('is good, and says who signed what', async () => {
    const opened = await openSigned(await signedBy(key), [other.toPublic(), key.toPublic()]);
    expect(Buffer.from(opened!.data)).toEqual(text);
    expect(opened!.signer).toBe(key.getFingerprint().toUpperCase());
    expect(opened!.claimed).toEqual([key.getKeyID().toHex().toUpperCase()]);
  });

  test.each(['sha256', 'sha384', 'sha512'] as const)('with %s is as good', async (hash) => {
    const packets = await signedBy(key, { config: { ...rfc4880, preferredHashAlgorithm: enums.hash[hash] } });
    expect(await openSigned(packets, [key.toPublic()])).toBeDefined();
  });

  test('that anything was done to is never called good where OpenPGP.js does not', async () => {
    const packets = await signedBy(key);
    let [yes, no] = [0, 0];
    for (let at = 0; at < packets.length; at++) {
      const changed = flipped(packets, at, at % 8);
      const opened = await openSigned(changed, [key.toPublic()]);
      if (!opened) no += 1;
      else {
        yes += 1;
        expect(Buffer.from(opened.data).toString(), `byte ${at}`).toBe(await judged(changed, key));
      }
    }
    // A literal's date and what is not hashed of a signature are no part of what is signed.
    expect(yes).toBeGreaterThan(0);
    expect(no).toBeGreaterThan(packets.length * 0.75);
    for (let end = 0; end < packets.length; end += 3) expect(await openSigned(packets.subarray(0, end), [key.toPublic()])).toBeUndefined();
    expect(await openSigned(Buffer.concat([packets, packets]), [key.toPublic()])).toBeUndefined();
    expect(await openSigned(Buffer.concat([packets, Buffer.from([0xcb])]), [key.toPublic()])).toBeUndefined();
  });

  test('by a stranger is left to OpenPGP.js', async () => {
    expect(await openSigned(await signedBy(other), [key.toPublic()])).toBeUndefined();
    expect(await openSigned(await signedBy(key), [])).toBeUndefined();
  });

  test('by two, or in clear text, or of a key of another sort, too', async () => {
    expect(await openSigned(await signedBy(key, { signingKeys: [key, other] }), [key.toPublic()])).toBeUndefined();
    expect(await openSigned(text, [key.toPublic()])).toBeUndefined();
    for (const sort of [{ type: 'curve25519' }, { type: 'rsa', rsaBits: 2048 }, { type: 'ecc', curve: 'nistP256' }] as const) {
      const { privateKey } = await generateKey({ ...sort, userIDs: [{ name: 'sort' }], format: 'object', config: lenient } as Parameters<typeof generateKey>[0] & { format: 'object' });
      const packets = await signedBy(privateKey);
      expect(await openSigned(packets, [privateKey.toPublic()])).toBeUndefined();
      expect(await judged(packets, privateKey)).toBe(text.toString());
    }
  });

  test('of a time before its key could sign is not good because a later one was', async () => {
    const made = new Date('2026-01-01T00:00:00Z');
    const { privateKey: early } = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'early' }], date: made, format: 'object', config: rfc4880 });
    const before = await signedBy(early, { date: new Date('2026-02-01T00:00:00Z') });
    const after = await signedBy(early, { date: new Date('2026-04-01T00:00:00Z') });
    // The same key, which says only since March that it signs.
    const { privateKey: late } = await reformatKey({ privateKey: early, userIDs: [{ name: 'late' }], date: new Date('2026-03-01T00:00:00Z'), format: 'object', config: rfc4880 });
    const certificate = late.toPublic();
    for (let twice = 0; twice < 2; twice++) {
      expect(await openSigned(after, [certificate])).toBeDefined();
      expect(await openSigned(before, [certificate])).toBeUndefined();
    }
    expect(await judged(before, late)).toBeUndefined();
  });

  test('of a time at which its key had expired or was revoked is as OpenPGP.js says', async () => {
    const made = new Date('2026-01-01T00:00:00Z');
    const { privateKey } = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'short' }], date: made, keyExpirationTime: 86_400, format: 'object', config: rfc4880 });
    const during = await signedBy(privateKey, { date: new Date('2026-01-01T12:00:00Z') });
    // Asked twice of one certificate, which remembers a yes for those that can't end.
    const certificate = privateKey.toPublic();
    expect(await openSigned(during, [certificate])).toBeDefined();
    expect(await openSigned(during, [certificate])).toBeDefined();
    const { publicKey: revoked } = await revokeKey({ key: privateKey, date: new Date('2026-01-01T06:00:00Z'), format: 'object', config: lenient });
    const says = async (certificate: typeof revoked) => {
      const result = await verify({ message: await readMessage({ binaryMessage: during, config: lenient }), verificationKeys: certificate, date: anyTime, format: 'binary', config: lenient });
      return result.signatures[0]!.verified.catch(() => false);
    };
    expect((await openSigned(during, [revoked])) !== undefined).toBe(await says(revoked));
    // The same key, with a longer life in its owner's hands than in the vault's.
    const longer = await reformatKey({ privateKey, userIDs: [{ name: 'short' }], date: made, format: 'object', config: rfc4880 });
    const after = await signedBy(longer.privateKey, { date: new Date('2026-03-01T00:00:00Z') });
    expect(await openSigned(after, [longer.privateKey.toPublic()])).toBeDefined();
    expect(await openSigned(after, [certificate])).toBeUndefined();
    expect(await judged(after, privateKey)).toBeUndefined();
  });
});

describe('a session key', () => {
  test.each(['rfc4880', 'rfc9580'] as const)('in packets of %s comes out, for whichever of the keys it is', async (sealing) => {
    const packets = await sealSessionKey(session, { certificates: [key.toPublic()] }, sealing);
    expect(unwrapSessionKeys(packets, [other, key])).toEqual([session]);
    expect(unwrapSessionKeys(packets, [other])).toBeUndefined();
    const both = await sealSessionKey(session, { certificates: [other.toPublic(), key.toPublic()] }, sealing);
    expect(unwrapSessionKeys(both, [key])).toEqual([session]);
  });

  test.each(['rfc4880', 'rfc9580'] as const)('of %s that anything was done to is the same, or left to OpenPGP.js', async (sealing) => {
    const packets = await sealSessionKey(session, { certificates: [key.toPublic()] }, sealing);
    let none = 0;
    for (let at = 0; at < packets.length; at++) {
      const changed = flipped(packets, at, at % 8);
      const found = unwrapSessionKeys(changed, [key]);
      if (!found) none += 1;
      // Curve25519 takes a point's highest bit for nothing.
      else expect(Buffer.from(found[0]!).toString('hex'), `byte ${at}`).toBe(await unwrapped(changed));
    }
    expect(none).toBeGreaterThan(packets.length - 4);
    for (let end = 0; end < packets.length; end += 5) expect(unwrapSessionKeys(packets.subarray(0, end), [key])).toBeUndefined();
  });

  test('for keys of other sorts, or behind a passphrase, is left to OpenPGP.js', async () => {
    for (const sort of [{ type: 'curve25519' }, { type: 'rsa', rsaBits: 2048 }] as const) {
      const { privateKey } = await generateKey({ ...sort, userIDs: [{ name: 'sort' }], format: 'object', config: lenient } as Parameters<typeof generateKey>[0] & { format: 'object' });
      expect(unwrapSessionKeys(await sealSessionKey(session, { certificates: [privateKey.toPublic()] }), [privateKey])).toBeUndefined();
    }
    const locked = await encryptKey({ privateKey: await readIdentity(key.armor()), passphrase: 'behind it' });
    const packets = await sealSessionKey(session, { certificates: [key.toPublic()] });
    expect(unwrapSessionKeys(packets, [locked])).toBeUndefined();
    const opened = await readIdentity(locked.armor(), 'behind it');
    expect(unwrapSessionKeys(packets, [opened]) ?? (await openSessionKeys(packets, { keys: [opened] }))).toEqual([session]);
  });
});
