import { seal, unsealSigned, type Certificate, type Sealing, type SecretKey } from '../keys/index.ts';
import { BaluchonError } from '../errors.ts';
import type { DiskDocument, Document, JsonObject } from '../tenant/document.ts';
import { sha256 } from './chunk.ts';
import { decompress, zstd } from './codec.ts';
import { compactTime } from './layout.ts';
import type { Id } from './pages.ts';
import { checked } from './schema.ts';
import { tar, untar } from './tar.ts';
import type { Trust } from './trust.ts';
import type { Source } from './types.ts';
import { documentYaml, parseYaml, yaml } from './yaml.ts';

/** A disk as bundle.yaml has it. */
export interface BundleDisk extends DiskDocument {
  data_bytes: number;
  depth: number;
  root: Id;
}

/** `bundle.yaml`, the first file of a manifest. */
export interface Manifest {
  format: 'baluchon-bundle/1';
  vault: string;
  created: string;
  tool: string;
  epoch: number;
  source: Source;
  counts: { [kind: string]: number };
  disk_bytes: number;
  added_bytes: number;
  disks: BundleDisk[];
  packs: { sha256: string };
  previous: string[];
  roster: { serial: number; sha256: string };
  notes: JsonObject;
  tags?: string[];
  /** Name of the manifest in whose stead this one was written, with other packs. */
  replaces?: string;
  /** What was lost by then. */
  lost?: { disk: string; ranges: { offset: number; length: number }[] }[];
}

const limit = 2 ** 31;

/** What recover.sh needs, in lines that any shell reads. */
function recoverText(manifest: Manifest): string {
  const disks = manifest.disks.map((disk) => `disk ${disk.id} ${disk.size} ${disk.depth} ${disk.root ?? '-'}\n`);
  return `packs ${manifest.packs.sha256}\n${disks.join('')}`;
}

/** The manifest's bytes, signed and sealed, and the id they give the bundle. */
export async function sealManifest(manifest: Manifest, documents: Document[], to: Certificate, signer: SecretKey, sealing: Sealing): Promise<{ id: string; bytes: Buffer }> {
  checked('bundle', manifest, 'bundle.yaml');
  const paths = new Map<string, Buffer>();
  for (const document of documents) {
    checked('document', document, `document ${document.id}`);
    const path = `documents/${document.kind}/${document.id}.yaml`;
    if (paths.has(path)) throw new BaluchonError('vault', `two documents with the id ${document.id}`);
    paths.set(path, Buffer.from(documentYaml(document)));
  }
  const sorted = [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
  const contents = tar([['bundle.yaml', Buffer.from(yaml(manifest))], ['recover.txt', Buffer.from(recoverText(manifest))], ...sorted]);
  const bytes = await seal(await zstd(contents), { certificates: [to] }, signer, sealing);
  return { id: sha256(bytes).slice(0, 32), bytes };
}

export interface OpenedManifest {
  manifest: Manifest;
  documents: Document[];
  /** Fingerprint of the vault key or writer that signed it. */
  signer: string;
}

/** What is asked of a manifest: documents take most of the time. */
export type What = 'all' | 'no documents';

/** Checks name, digest, seal, signature and schema, in that order. @throws vault, naming the file. */
export async function openManifest(bytes: Uint8Array, file: { name: string; time: string; id: string }, keys: SecretKey[], trust: Trust, vault: string, what: What = 'all'): Promise<OpenedManifest> {
  const damaged = () => new BaluchonError('vault', `damaged: ${file.name}`);
  if (sha256(bytes).slice(0, 32) !== file.id) throw damaged();
  const opened = await unsealSigned(bytes, { keys }, trust.certificates);
  if (!opened) throw damaged();
  const signer = trust.check(opened, file.name);
  let manifest: Manifest | undefined;
  const documents: Document[] = [];
  try {
    for (const { name, body } of untar(await decompress(opened.data, limit))) {
      if (name === 'bundle.yaml') manifest = checked<Manifest>('bundle', parseYaml(body, `${file.name}: bundle.yaml`), `${file.name}: bundle.yaml`);
      else if (what === 'all' && name.startsWith('documents/')) documents.push(checked<Document>('document', parseYaml(body, `${file.name}: ${name}`), `${file.name}: ${name}`));
    }
  } catch (cause) {
    throw cause instanceof BaluchonError ? cause : new BaluchonError('vault', `damaged: ${file.name}`, { cause });
  }
  if (!manifest) throw damaged();
  if (manifest.vault !== vault) throw new BaluchonError('vault', `${file.name}: belongs to another vault`);
  if (compactTime(manifest.created) !== file.time) throw new BaluchonError('vault', `${file.name}: renamed: it was written at ${manifest.created}`);
  return { manifest, documents, signer };
}
