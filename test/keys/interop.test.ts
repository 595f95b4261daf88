import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as openpgp from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canSign, fingerprint, generateIdentity, readCertificate, readIdentity, seal, splitMessage, unseal, unsealSigned, type SecretKey } from '../../src/keys/index.ts';
import { newSq, sqDecrypt, sqEncrypt, sqKey } from '../sq.ts';
import { gpg, needs, stopAgent, type Made } from '../tools.ts';

let home: string;
let pgp: ReturnType<typeof gpg>;
let ours: SecretKey;
const keys: Record<string, Made> = {};
const text = Buffer.from('twelve servers, three volumes\n'.repeat(500));
let count = 0;
const file = (bytes: string | Uint8Array): string => {
  const path = join(home, `f${count++}`);
  writeFileSync(path, bytes);
  return path;
};

function byGpg(name: string, [algorithm, usage]: [string, string], options: { subkey?: string | null; expire?: string; passphrase?: string } = {}): Made {
  const { subkey, expire = 'never', passphrase = '' } = options;
  expect(pgp(['--passphrase', passphrase, '--quick-gen-key', name, algorithm, usage, expire]).text).not.toContain('failed');
  const id = /^fpr:+([0-9A-F]{40}):/m.exec(pgp(['--with-colons', '--list-keys', `=${name}`]).text)![1]!;
  if (subkey) expect(pgp(['--passphrase', passphrase, '--quick-add-key', id, subkey, 'encr', expire]).status).toBe(0);
  return { certificate: String(pgp(['--armor', '--export', id]).stdout), secret: String(pgp(['--passphrase', passphrase, '--armor', '--export-secret-keys', id]).stdout), ...(passphrase && { passphrase }) };
}

const bySq = (name: string, ...options: string[]): Made => sqKey(join(home, `${name}.pgp`), name, ...options);

const ready = needs('gpg', 'sq');
beforeAll(async () => {
  if (!ready) return;
  home = mkdtempSync(join(tmpdir(), 'bal-i-'));
  pgp = gpg(home);
  ours = await generateIdentity('a vault');
  keys['gpg, RSA 3072'] = byGpg('rsa', ['rsa3072', 'sign'], { subkey: 'rsa3072' });
  keys['gpg, RSA for both uses at once'] = byGpg('one', ['rsa2048', 'sign,encr']);
  keys['gpg, Ed25519 and Curve25519'] = byGpg('curve', ['ed25519', 'cert'], { subkey: 'cv25519' });
  keys['gpg, NIST P-256'] = byGpg('nist', ['nistp256', 'sign'], { subkey: 'nistp256' });
  keys['gpg, with a passphrase'] = byGpg('locked', ['ed25519', 'sign'], { subkey: 'cv25519', passphrase: 'of the key' });
  keys['sq, Curve25519'] = bySq('sq-curve');
  keys['sq, RSA'] = bySq('sq-rsa', '--cipher-suite', 'rsa3k');
  keys['sq, for storage alone'] = bySq('sq-storage', '--can-encrypt', 'storage');
});
afterAll(() => {
  if (!ready) return;
  stopAgent(home);
  rmSync(home, { recursive: true, force: true });
});

const kinds = ['gpg, RSA 3072', 'gpg, RSA for both uses at once', 'gpg, Ed25519 and Curve25519', 'gpg, NIST P-256', 'gpg, with a passphrase', 'sq, Curve25519', 'sq, RSA', 'sq, for storage alone'];

describe.each(kinds)('a key of another program: %s', (kind) => {
  test('is sealed to, and opens that here, with gpg and with sq', async () => {
    const { certificate, secret, passphrase } = keys[kind]!;
    const sealed = await seal(text, { certificates: [await readCertificate(certificate)] }, ours);
    const opened = await unsealSigned(sealed, { keys: [await readIdentity(secret, passphrase)] }, [ours.toPublic()]);
    expect(Buffer.from(opened!.data).equals(text)).toBe(true);
    expect(opened!.signer).toBe(fingerprint(ours));
    pgp(['--passphrase', passphrase ?? '', '--import'], secret);
    pgp(['--import'], ours.toPublic().armor());
    const gpgs = pgp(['--status-fd', '2', '--passphrase', passphrase ?? '', '--decrypt'], sealed);
    expect(gpgs.stdout.equals(text)).toBe(true);
    expect(String(gpgs.stderr)).toMatch(new RegExp(`VALIDSIG .*${fingerprint(ours)}`));
    // sq asks at a terminal for the passphrase of a key, and nowhere else.
    const open = (await readIdentity(secret, passphrase)).armor();
    const sqs = sqDecrypt(file(sealed), file(open), file(ours.toPublic().armor()));
    expect(sqs.stdout.equals(text), String(sqs.stderr)).toBe(true);
    expect(sqs.status).toBe(0);
  });

  test('opens here what gpg and sq seal to it', async () => {
    const { certificate, secret, passphrase } = keys[kind]!;
    const key = await readIdentity(secret, passphrase);
    pgp(['--import'], certificate);
    const byGpg = pgp(['--recipient', fingerprint(key), '--encrypt'], text);
    expect((await unseal(byGpg.stdout, { keys: [key] }))?.equals(text), byGpg.text.slice(0, 200)).toBe(true);
    // What sq pads its compressed data with, Node's inflater takes for a fault.
    const bySq = sqEncrypt(file(text), file(certificate));
    expect((await unseal(bySq.stdout, { keys: [key] }))?.equals(text)).toBe(true);
  });
});

test('a writer’s signature by a key of gpg’s or sq’s is good here, and for gpg and sq', async () => {
  for (const kind of ['gpg, RSA 3072', 'sq, Curve25519', 'gpg, with a passphrase', 'gpg, NIST P-256']) {
    const { certificate, secret, passphrase } = keys[kind]!;
    const signer = await readIdentity(secret, passphrase);
    expect(await canSign(signer)).toBe(true);
    const sealed = await seal(text, { certificates: [ours.toPublic()] }, signer);
    expect((await unsealSigned(sealed, { keys: [ours] }, [await readCertificate(certificate, { signs: true })]))!.signer).toBe(fingerprint(signer));
    pgp(['--import'], ours.armor());
    pgp(['--import'], certificate);
    expect(String(pgp(['--status-fd', '2', '--decrypt'], sealed).stderr)).toMatch(new RegExp(`VALIDSIG .*${fingerprint(signer)}`));
    expect(sqDecrypt(file(sealed), file(ours.armor()), file(certificate)).status).toBe(0);
  }
});

test('what a passphrase seals with gpg opens here', async () => {
  const sealed = pgp(['--passphrase', 'grüße', '--symmetric'], text).stdout;
  expect((await unseal(sealed, { passphrase: 'grüße' }))?.equals(text)).toBe(true);
  expect(await unseal(sealed, { passphrase: 'other' })).toBeUndefined();
});

test('a key whose primary part stays elsewhere opens what is sealed to it', async () => {
  const { certificate, secret } = keys['gpg, Ed25519 and Curve25519']!;
  pgp(['--import'], secret);
  const id = fingerprint(await readIdentity(secret));
  const parts = String(pgp(['--passphrase', '', '--armor', '--export-secret-subkeys', id]).stdout);
  const sealed = await seal(text, { certificates: [await readCertificate(certificate)] });
  expect((await unseal(sealed, { keys: [await readIdentity(parts)] }))?.equals(text)).toBe(true);
});

describe('a certificate that can’t be an owner’s is refused in one line', () => {
  const refused = async (certificate: string, options = {}) => readCertificate(certificate, options).then(() => 'taken', (error: Error) => error.message);

  test('expired, primary key or subkey', async () => {
    const day = 86_400_000;
    const { publicKey } = await openpgp.generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'old' }], date: new Date(Date.now() - 3 * day), keyExpirationTime: 86_400, format: 'armored' });
    expect(await refused(publicKey)).toMatch(/^openpgp key [0-9A-F]{40} has expired on \d{4}-\d\d-\d\d$/);
    const half = await openpgp.generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'half' }], date: new Date(Date.now() - 3 * day), subkeys: [{ keyExpirationTime: 86_400 }], format: 'armored' });
    expect(await refused(half.publicKey)).toMatch(/^openpgp key [0-9A-F]{40} has no valid key to encrypt to: .*expired/);
  });

  test('revoked, by gpg', async () => {
    const { secret } = byGpg('revoked', ['ed25519', 'sign'], { subkey: 'cv25519' });
    const id = fingerprint(await readIdentity(secret));
    const revocation = readFileSync(join(home, 'openpgp-revocs.d', `${id}.rev`), 'utf8').replace(/^:-----/m, '-----');
    expect(pgp(['--import'], revocation).status).toBe(0);
    expect(await refused(String(pgp(['--armor', '--export', id]).stdout))).toBe(`openpgp key ${id} is revoked`);
  });

  test('of a sort that gpg 2.2 does not read: version 6, or new X25519; profile rfc9580 takes them', async () => {
    const six = await openpgp.generateKey({ type: 'curve25519', userIDs: [{ name: 'six' }], config: { v6Keys: true } });
    const four = await openpgp.generateKey({ type: 'curve25519', userIDs: [{ name: 'four' }] });
    expect(await refused(six.publicKey)).toMatch(/^openpgp key [0-9A-F]{64} is of version 6, which gpg 2\.2 does not read$/);
    expect(await refused(four.publicKey)).toMatch(/^openpgp key [0-9A-F]{40} is of an algorithm that gpg 2\.2 or this program does not take \(ed25519\)$/);
    for (const { publicKey, privateKey } of [six, four]) {
      const certificate = await readCertificate(publicKey, { sealing: 'rfc9580' });
      const sealed = await seal(text, { certificates: [certificate] }, undefined, 'rfc9580');
      expect((await unseal(sealed, { keys: [await readIdentity(privateKey)] }))?.equals(text)).toBe(true);
    }
  });

  test('without a key to encrypt to, or for a writer to sign with', async () => {
    expect(await refused(byGpg('signs', ['ed25519', 'sign']).certificate)).toMatch(/^openpgp key [0-9A-F]{40} has no valid key to encrypt to/);
    const mute = bySq('mute', '--cannot-sign');
    expect(await refused(mute.certificate)).toBe('taken');
    expect(await refused(mute.certificate, { signs: true })).toMatch(/^openpgp key [0-9A-F]{40} has no valid key to sign with/);
  });

  test('too weak', async () => {
    const { publicKey } = await openpgp.generateKey({ type: 'rsa', rsaBits: 1024, userIDs: [{ name: 'weak' }], config: { minRSABits: 1024 } });
    expect(await refused(publicKey)).toMatch(/^openpgp key [0-9A-F]{40} (has a key to encrypt to of 1024 bits|has no valid key to encrypt to)/);
  });
});

describe('profile rfc9580', () => {
  test('is SEIPD version 2 with session keys of version 6, which OpenPGP.js and sq from 1.0 on open, and gpg does not', async () => {
    const sealed = await seal(text, { certificates: [ours.toPublic()] }, ours, 'rfc9580');
    const message = await openpgp.readMessage({ binaryMessage: sealed });
    expect([...message.packets].map((packet) => [packet.constructor.name, (packet as { version?: number }).version])).toEqual([['PublicKeyEncryptedSessionKeyPacket', 6], ['SymEncryptedIntegrityProtectedDataPacket', 2]]);
    const { data, signatures } = await openpgp.decrypt({ message, decryptionKeys: ours, verificationKeys: ours.toPublic(), format: 'binary' });
    expect(Buffer.from(data as Uint8Array).equals(text)).toBe(true);
    expect(await signatures[0]!.verified).toBe(true);
    pgp(['--import'], ours.armor());
    expect(pgp(['--decrypt'], sealed).stdout.length).toBe(0);
    const opened = sqDecrypt(file(sealed), file(ours.armor()), file(ours.toPublic().armor()));
    expect(opened.status === 0 && opened.stdout.equals(text)).toBe(newSq);
  });

  test('stretches a passphrase with Argon2, and opens what OpenPGP.js seals with one', async () => {
    const sealed = await seal(text, { passphrase: 'grüße' }, undefined, 'rfc9580');
    const message = await openpgp.readMessage({ binaryMessage: sealed });
    expect((message.packets[0] as unknown as { s2k: { type: string } }).s2k.type).toBe('argon2');
    expect(Buffer.from((await openpgp.decrypt({ message, passwords: ['grüße'], format: 'binary' })).data as Uint8Array).equals(text)).toBe(true);
    expect(await unseal(sealed, { passphrase: 'other' })).toBeUndefined();
    const theirs = await openpgp.encrypt({ message: await openpgp.createMessage({ binary: text, format: 'binary' }), passwords: ['grüße'], format: 'binary', config: { aeadProtect: true, s2kType: openpgp.enums.s2k.argon2 } });
    expect((await unseal(theirs as Uint8Array, { passphrase: 'grüße' }))?.equals(text)).toBe(true);
  });

  test('opens with each of several passphrases, and with a secret that nobody thought up', async () => {
    const theirs = await openpgp.encrypt({ message: await openpgp.createMessage({ binary: text, format: 'binary' }), passwords: ['one', 'two'], format: 'binary', config: { aeadProtect: true, s2kType: openpgp.enums.s2k.argon2 } });
    const opened = await Promise.all(['one', 'two', 'three'].map((passphrase) => unseal(theirs as Uint8Array, { passphrase })));
    expect(opened.map((bytes) => bytes?.equals(text))).toEqual([true, true, undefined]);
    const sealed = await seal(text, { secret: 'ab'.repeat(32) }, undefined, 'rfc9580');
    const message = await openpgp.readMessage({ binaryMessage: sealed });
    expect(Buffer.from((await openpgp.decrypt({ message, passwords: ['ab'.repeat(32)], format: 'binary' })).data as Uint8Array).equals(text)).toBe(true);
  });

  test('a file that asks for more memory than 2 GiB to try a passphrase is not listened to', async () => {
    const sealed = await seal(text, { passphrase: 'grüße' }, undefined, 'rfc9580');
    // Header of 6 bytes; version, count, cipher, mode, length; then Argon2's type, salt, passes, lanes, memory.
    const memory = 6 + 5 + 19;
    expect(sealed[memory]).toBe(16);
    for (const exponent of [22, 30, 255]) {
      const greedy = Buffer.from(sealed);
      greedy[memory] = exponent;
      const before = process.resourceUsage().maxRSS;
      expect(await unseal(greedy, { passphrase: 'grüße' })).toBeUndefined();
      expect(process.resourceUsage().maxRSS - before).toBeLessThan(64 << 10);
    }
  });

  test('no changed byte passes, wherever it is, nor a message cut short', async () => {
    const sealed = await seal(Buffer.from('short'), { secret: 'ab'.repeat(32) }, undefined, 'rfc9580');
    const { keyPackets } = splitMessage(sealed)!;
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 0x10;
      const opened = await unseal(changed, { secret: 'ab'.repeat(32) });
      // Lengths within the packet of the session key are told twice; one of them nobody reads.
      if (at < keyPackets.length) expect(opened?.toString() ?? 'short', `byte ${at}`).toBe('short');
      else expect(opened, `byte ${at}`).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length += 3) expect(await unseal(sealed.subarray(0, length), { secret: 'ab'.repeat(32) })).toBeUndefined();
  });
});
