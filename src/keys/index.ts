export { canSign, fingerprint, generateIdentity, parseCertificate, readCertificate, readIdentity, wrongKey, type Certificate, type SecretKey } from './identity.ts';
export { decipher, encipher, envelopeLead, splitMessage, type SessionKey } from './envelope.ts';
export { decipherRemains, splitRemains } from './remains.ts';
export { openSessionKeys, seal, sealSessionKey, signDetached, unseal, unsealSigned, verifyDetached, type Opener, type Recipient, type Unsealed } from './seal.ts';
export type { Sealing } from './openpgp.ts';
export { looksLikePaper, newPaperKey, paperCode, paperLines, parsePaperKey } from './paper.ts';
