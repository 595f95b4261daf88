import { config as defaults, enums, type Config, type PartialConfig } from 'openpgp';

/** How a vault's files are sealed; chosen when it is made. */
export type Sealing = 'rfc4880' | 'rfc9580';

/**
 * Sealing profile `rfc4880`: version 4 keys, PKESK version 3, SEIPD version 1, what every OpenPGP program reads. OpenPGP.js
 * follows a key's wish for AEAD unless told otherwise, so this configuration goes with every single call.
 */
export const rfc4880: PartialConfig = {
  aeadProtect: false,
  v6Keys: false,
  preferredSymmetricAlgorithm: enums.symmetric.aes256,
  preferredHashAlgorithm: enums.hash.sha512,
  preferredCompressionAlgorithm: enums.compression.uncompressed,
  showVersion: false,
  showComment: false,
};

/** Sealing profile `rfc9580`: SEIPD version 2, and Argon2 for what a person thought up. Keys and signatures stay as they are. */
export const rfc9580: PartialConfig = { ...rfc4880, aeadProtect: true, preferredAEADAlgorithm: enums.aead.gcm, s2kType: enums.s2k.argon2 };

/** For signatures and keys that may seem to come from the future: a clock that was wrong once must not lock a vault. */
export const anyTime = null as unknown as Date;

/** The most that RFC 9580 recommends for Argon2 (3.7.1.4), 2 GiB: a file that asks for more wants to fill the memory. */
export const mostMemoryExponent = 21;

/** Reads what other programs wrote: owners' keys may be of any sort. */
export const lenient = { ...defaults, ...rfc4880, maxArgon2MemoryExponent: mostMemoryExponent } as Config;
