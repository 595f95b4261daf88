export { fingerprint, generateIdentity, readCertificate, readIdentity, wrongKey, type Certificate, type SecretKey } from './identity.ts';
export { decipher, encipher, splitMessage, type SessionKey } from './envelope.ts';
export { openSessionKeys, seal, sealSessionKey, signDetached, unseal, unsealSigned, type Opener, type Recipient } from './seal.ts';
