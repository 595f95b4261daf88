/** Names of a vault's files. `sha256` is lower-case hex of the file's own bytes; see docs/format.md. */
export const layout = {
  header: 'baluchon.yaml',
  howto: 'HOWTO-RECOVER.md',
  script: 'recover.sh',
  certificate: (epoch: number) => `keys/epoch-${epoch}.pub.asc`,
  certificateSignature: (epoch: number) => `keys/epoch-${epoch}.pub.asc.sig`,
  roster: (serial: number, sha256: string) => `keys/roster-${String(serial).padStart(6, '0')}.${sha256}.pgp`,
  passphrase: (slot: number, sha256: string) => `keys/pass-${slot}.${sha256}.pgp`,
  owner: (epoch: number, fingerprint: string, sha256: string) => `keys/epoch-${epoch}/owner-${fingerprint}.${sha256}.pgp`,
  writer: (epoch: number, fingerprint: string, sha256: string) => `keys/epoch-${epoch}/writer-${fingerprint}.${sha256}.pgp`,
  pack: (sha256: string) => `packs/${sha256.slice(0, 2)}/${sha256}.tar.pgp`,
  /** Where a repair puts a damaged pack. */
  aside: (sha256: string) => `aside/${sha256}.tar.pgp`,
  index: (sha256: string) => `index/${sha256}.pgp`,
  list: (sha256: string) => `lists/${sha256}.packs`,
  /** `time` is compact UTC, `20261121T120419Z`; the id is the first 32 hex digits of the manifest's own SHA-256. */
  manifest: (time: string, id: string) => `bundles/${time}-${id}.pgp`,
  packs: (time: string, id: string) => `bundles/${time}-${id}.packs`,
  forgotten: (time: string, id: string) => `bundles/${time}-${id}.forgotten`,
  /** There while somebody changes the keys. */
  claim: (random: string) => `claims/${random}`,
} as const;

export const patterns = {
  certificate: /^keys\/epoch-([1-9][0-9]*)\.pub\.asc$/,
  roster: /^keys\/roster-([0-9]{6,})\.([0-9a-f]{64})\.pgp$/,
  passphrase: /^keys\/pass-([1-9][0-9]*)\.([0-9a-f]{64})\.pgp$/,
  /** Group 2 is `owner` or `writer`. */
  member: /^keys\/epoch-([1-9][0-9]*)\/(owner|writer)-([0-9A-F]{40,64})\.([0-9a-f]{64})\.pgp$/,
  owner: /^keys\/epoch-([1-9][0-9]*)\/owner-([0-9A-F]{40,64})\.([0-9a-f]{64})\.pgp$/,
  pack: /^packs\/([0-9a-f]{2})\/(\1[0-9a-f]{62})\.tar\.pgp$/,
  index: /^index\/([0-9a-f]{64})\.pgp$/,
  list: /^lists\/([0-9a-f]{64})\.packs$/,
  manifest: /^bundles\/([0-9]{8}T[0-9]{6}Z)-([0-9a-f]{32})\.pgp$/,
  packs: /^bundles\/([0-9]{8}T[0-9]{6}Z)-([0-9a-f]{32})\.packs$/,
  doomed: /^doomed\/([0-9]{8}T[0-9]{6}Z)-([0-9a-f]{64})\.packs$/,
} as const;

/** `2026-11-21T12:04:19Z` -> `20261121T120419Z` */
export function compactTime(rfc3339: string): string {
  return rfc3339.replace(/[-:]/g, '');
}

export function expandTime(compact: string): string {
  return compact.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
}

/** Whole seconds, UTC. */
export function rfc3339(date: Date): string {
  return date.toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
