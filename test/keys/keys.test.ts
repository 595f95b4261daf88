import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import * as openpgp from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decipher, encipher, fingerprint, generateIdentity, readCertificate, readIdentity, seal, splitMessage, unseal, unsealSigned, type Recipient, type SecretKey } from '../../src/keys/index.ts';
import { packetAt } from '../../src/keys/packets.ts';
import { gpg, needs, stopAgent } from '../tools.ts';

let key: SecretKey;
let other: SecretKey;
const text = Buffer.from('twelve servers, three volumes\n');

beforeAll(async () => {
  key = await generateIdentity('one');
  other = await generateIdentity('other');
});

const packets = (message: Uint8Array) => {
  const found = [];
  for (let packet = packetAt(message, 0); packet; packet = packetAt(message, packet.end)) found.push({ tag: packet.tag, version: message[packet.body] });
  return found;
};

describe('the default profile', () => {
  test('is PKESK 3, SKESK 4 and SEIPD 1, never anything later', async () => {
    expect(packets(await seal(text, { certificates: [key.toPublic(), other.toPublic()] }, key))).toEqual([{ tag: 1, version: 3 }, { tag: 1, version: 3 }, { tag: 18, version: 1 }]);
    expect(packets(await seal(text, { passphrase: 'x' }))).toEqual([{ tag: 3, version: 4 }, { tag: 18, version: 1 }]);
    expect(packets(await seal(text, { secret: 'ab'.repeat(32) }, key))).toEqual([{ tag: 3, version: 4 }, { tag: 18, version: 1 }]);
  });

  test('stays so for a certificate that asks for AEAD', async () => {
    const { privateKey, publicKey } = await openpgp.generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'modern' }], format: 'object', config: { aeadProtect: true } });
    const sealed = await seal(text, { certificates: [publicKey] });
    expect(packets(sealed)).toEqual([{ tag: 1, version: 3 }, { tag: 18, version: 1 }]);
    expect(await unseal(sealed, { keys: [privateKey] })).toEqual(text);
  });

  test('our keys are version 4, Ed25519 and X25519 in their first OpenPGP form, without end', async () => {
    expect(key.keyPacket).toMatchObject({ version: 4, algorithm: openpgp.enums.publicKey.eddsaLegacy });
    expect(key.getSubkeys().map(({ keyPacket }) => [keyPacket.version, keyPacket.algorithm])).toEqual([[4, openpgp.enums.publicKey.ecdh]]);
    expect(await key.getExpirationTime()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('gpg', () => {
  const ready = needs('gpg');
  const home = mkdtempSync(join(tmpdir(), 'bal-k-'));
  const pgp = gpg(home);
  beforeAll(() => {
    if (ready) expect(pgp(['--import'], key.armor()).status).toBe(0);
  });
  afterAll(() => {
    if (ready) stopAgent(home);
    rmSync(home, { recursive: true, force: true });
  });

  test.each([0, 1, 191, 8383, 100_000, 3_000_000])('opens what we seal: %i bytes', async (length) => {
    const bytes = randomBytes(length);
    const toKey = pgp(['--status-fd', '2', '--decrypt'], await seal(bytes, { certificates: [key.toPublic()] }));
    expect(toKey.stdout.equals(bytes)).toBe(true);
    expect(String(toKey.stderr)).toContain('GOODMDC');
    expect(toKey.status).toBe(0);
  });

  test('opens what a passphrase or a secret seals, from a file', async () => {
    const file = join(home, 'pw');
    for (const [to, phrase] of [[{ passphrase: 'grüße, 世界' }, 'grüße, 世界'], [{ secret: 'ab'.repeat(32) }, 'ab'.repeat(32)]] as const) {
      writeFileSync(file, `${phrase}\n`);
      expect(pgp(['--passphrase-file', file, '--decrypt'], await seal(text, to)).stdout).toEqual(text);
    }
  });

  test('finds our signatures good, and who made them', async () => {
    const opened = pgp(['--status-fd', '2', '--decrypt'], await seal(text, { certificates: [key.toPublic()] }, key));
    expect(opened.stdout).toEqual(text);
    expect(String(opened.stderr)).toMatch(new RegExp(`VALIDSIG .*${fingerprint(key)}`));
  });

  test('reads the packets as we mean them', async () => {
    const listing = pgp(['--list-packets', '--passphrase', 'x'], await seal(text, { passphrase: 'x' })).text;
    expect(listing).toMatch(/version 4, cipher 9, aead 0,\s?s2k 3, hash 8/);
    expect(listing).toContain('count 65011712 (255)');
    expect(listing).toContain('mdc_method: 2');
  });
});

describe('openpgp.js', () => {
  test('opens what we seal', async () => {
    const bytes = randomBytes(300_000);
    for (const [to, how] of [[{ certificates: [key.toPublic()] }, { decryptionKeys: key }], [{ passphrase: 'x' }, { passwords: ['x'] }]] as [Recipient, object][]) {
      const message = await openpgp.readMessage({ binaryMessage: await seal(bytes, to) });
      const { data } = await openpgp.decrypt({ message, ...how, format: 'binary' });
      expect(Buffer.from(data as Uint8Array).equals(bytes)).toBe(true);
    }
  });

  test('seals what we open', async () => {
    const message = await openpgp.createMessage({ binary: text, format: 'binary' });
    const config = { aeadProtect: false };
    const sealed = await openpgp.encrypt({ message, encryptionKeys: key.toPublic(), format: 'binary', config });
    expect(await unseal(sealed, { keys: [key] })).toEqual(text);
    const locked = await openpgp.encrypt({ message: await openpgp.createMessage({ binary: text, format: 'binary' }), passwords: ['x'], sessionKey: { data: randomBytes(32), algorithm: 'aes256' }, format: 'binary', config });
    expect(await unseal(locked, { passphrase: 'x' })).toEqual(text);
  });
});

describe('opening', () => {
  test('an envelope gives back its parts, any sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 4 }), (parts) => {
        const session = randomBytes(32);
        const message = encipher(session, parts);
        expect(decipher(session, splitMessage(message)!.body)!.literal!.equals(Buffer.concat(parts))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('no changed byte passes, wherever it is', () => {
    const session = randomBytes(32);
    const message = encipher(session, [text]);
    for (let at = 0; at < message.length; at++) {
      const changed = Buffer.from(message);
      changed[at]! ^= 0x10;
      const parts = splitMessage(changed);
      expect(parts && decipher(session, parts.body), `byte ${at}`).toBeUndefined();
    }
    for (let length = 0; length < message.length; length++) expect(splitMessage(message.subarray(0, length))).toBeUndefined();
  });

  test('with another key, passphrase or secret gives nothing', async () => {
    expect(await unseal(await seal(text, { certificates: [key.toPublic()] }), { keys: [other] })).toBeUndefined();
    expect(await unseal(await seal(text, { passphrase: 'x' }), { passphrase: 'y' })).toBeUndefined();
    expect(await unseal(await seal(text, { secret: 'ab'.repeat(32) }), { secret: 'cd'.repeat(32) })).toBeUndefined();
  });

  test('tells whose signature it is, and takes nobody else for it', async () => {
    const sealed = await seal(text, { secret: 'ab'.repeat(32) }, other);
    const open = (signers: SecretKey[]) => unsealSigned(sealed, { secret: 'ab'.repeat(32) }, signers.map((signer) => signer.toPublic()));
    expect((await open([key, other]))!.signer).toBe(fingerprint(other));
    expect((await open([key]))!.signer).toBeUndefined();
    expect((await open([]))!.signer).toBeUndefined();
  });

  test('what is not signed has no signer', async () => {
    const unsigned = await unsealSigned(await seal(text, { certificates: [key.toPublic()] }), { keys: [key] }, [key.toPublic()]);
    expect(unsigned?.signer).toBeUndefined();
  });
});

describe('keys that are given', () => {
  test('a locked key opens with its passphrase and says nothing more when it does not', async () => {
    const locked = await openpgp.encryptKey({ privateKey: key, passphrase: 'mine' });
    expect(fingerprint(await readIdentity(locked.armor(), 'mine'))).toBe(fingerprint(key));
    for (const wrong of ['yours', undefined]) await expect(readIdentity(locked.armor(), wrong)).rejects.toMatchObject({ code: 'key', message: 'wrong passphrase or key' });
    await expect(readIdentity(key.toPublic().armor())).rejects.toMatchObject({ code: 'key' });
  });

  test('a certificate is taken without its secret part; one that can not be sealed to is refused', async () => {
    expect((await readCertificate(key.armor())).isPrivate()).toBe(false);
    await expect(readCertificate('nothing')).rejects.toMatchObject({ code: 'usage' });
    const { publicKey } = await openpgp.generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'signs' }], subkeys: [], format: 'object' });
    await expect(readCertificate(publicKey.armor())).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(fingerprint(publicKey)) });
  });
});
