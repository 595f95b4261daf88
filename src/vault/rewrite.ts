import { BaluchonError, isError } from '../errors.ts';
import { sha256 } from './chunk.ts';
import { readDoomed, requireKept } from './doomed.ts';
import { forgetBundles } from './forget.ts';
import { indexWriter, loadIndex, type Index } from './index-files.ts';
import { compactTime, layout, patterns } from './layout.ts';
import { manifestFiles, readManifests, type ManifestFile, type OpenedFile } from './manifest-files.ts';
import { sealManifest } from './manifest.ts';
import { packer, packLane, pagesBegin } from './packer.ts';
import { packsText, readPacks } from './packs-list.ts';
import { openPack } from './packs-reader.ts';
import { presentPacks } from './reader.ts';
import { joined, salvagePack, salvageReader, walkPages } from './salvage.ts';
import type { Session } from './session.ts';
import { chunkTable, type ChunkTable } from './table.ts';
import type { LostRanges, Rewritten } from './types.ts';

/** Every bundle whose manifest can be read, but for those that another was written in place of: they are forgotten. What can't be read is told. */
export async function currentBundles(session: Session, refused: (error: BaluchonError) => void): Promise<OpenedFile[]> {
  const all: OpenedFile[] = [];
  for await (const one of readManifests(session, await manifestFiles(session.store), refused)) all.push(one);
  // A rewriting that was cut short has left the bundle that it replaced.
  const replaced = new Set(all.flatMap(({ manifest }) => manifest.replaces ?? []));
  const old = all.filter(({ file }) => replaced.has(file.name));
  const heir = (file: ManifestFile) => all.find(({ manifest }) => manifest.replaces === file.name)?.file.name;
  await forgetBundles(session, old.map(({ file }) => file), { replaced: heir });
  return all.filter((one) => !old.includes(one));
}

/**
 * Writes bundles anew so that they no longer rely on the packs to `avoid` (damaged, gone, or mostly unneeded): what these still hold is
 * put into new packs, then each bundle gets a new list and manifest, then the old one is forgotten. Cut short, nothing is lost.
 * @param acceptLoss also bundles of which something can't be found any more
 */
export async function rewriteBundles(session: Session, all: readonly OpenedFile[], avoid: ReadonlySet<string>, { acceptLoss = false, now }: { acceptLoss?: boolean; now?: Date } = {}): Promise<Rewritten> {
  const { store, header, roster } = session;
  if (roster instanceof BaluchonError) throw roster;
  const result: Rewritten = { bundles: [], lists: [], lost: [] };
  const hit: { bundle: OpenedFile; listed: boolean }[] = [];
  for (const bundle of all) {
    const name = layout.packs(bundle.file.time, bundle.file.id);
    let listed = true;
    const list = await readPacks(store, name, () => void (listed = false)).catch((error: unknown) => {
      if (isError(error, 'vault')) return undefined;
      throw error;
    });
    listed &&= list?.sha256 === bundle.manifest.packs.sha256;
    if (!listed || list?.packs.some((pack) => avoid.has(pack))) hit.push({ bundle, listed });
  }
  if (hit.length === 0) return result;

  const doomed = new Set((await readDoomed(store)).flatMap(({ packs }) => packs));
  const index = await loadIndex(session, new Set((await presentPacks(store)).filter((pack) => !avoid.has(pack) && !doomed.has(pack))), { exact: true });
  const reader = salvageReader(session);
  const needs = { chunks: chunkTable(), pages: chunkTable() };
  const { chunk_size: chunkSize } = header.profile;
  for (const { bundle } of hit) {
    for (const disk of bundle.manifest.disks) {
      await walkPages(reader.page, disk, chunkSize, { page: (id) => needs.pages.set(Buffer.from(id, 'hex'), 0), chunk: (id) => needs.chunks.set(Buffer.from(id, 'hex'), 0), lost() {} });
    }
  }
  await moveChunks(session, index, [...avoid, ...doomed], needs);

  for (const { bundle, listed } of hit) {
    const { file, manifest, documents } = bundle;
    const used = new Set<number>();
    const lost: LostRanges[] = [];
    for (const disk of manifest.disks) {
      const ranges: LostRanges['ranges'] = [];
      const use = (id: string): boolean => {
        const number = index.chunks.get(Buffer.from(id, 'hex'));
        if (number !== undefined) used.add(number);
        return number !== undefined;
      };
      await walkPages(reader.page, disk, chunkSize, {
        page: use,
        chunk(id, at) {
          if (!use(id)) ranges.push({ offset: at * chunkSize, length: Math.min(chunkSize, disk.size - at * chunkSize) });
        },
        lost: (range) => void ranges.push(range),
      });
      if (ranges.length > 0) lost.push({ bundle: file.id, disk: disk.id, ranges: joined(ranges) });
    }
    result.lost.push(...lost);
    const packs = [...used].map((number) => index.packs[number]!);
    const { text, lists } = packsText(header.vault, manifest.previous, packs);
    const same = sha256(text) === manifest.packs.sha256;
    if ((listed && same) || (lost.length > 0 && !acceptLoss && !same)) continue;
    for (const list of lists) await store.put(list.name, list.body);
    await requireKept(store, { packs, lists: lists.map(({ name }) => patterns.list.exec(name)![1]!) }, now);
    if (same) {
      await store.put(layout.packs(file.time, file.id), text);
      result.lists.push(layout.packs(file.time, file.id));
      continue;
    }
    const anew = { ...manifest, epoch: session.secrets.epoch, packs: { sha256: sha256(text) }, roster: { serial: roster.roster.serial, sha256: roster.digest }, replaces: file.name, ...(lost.length > 0 && { lost: lost.map(({ disk, ranges }) => ({ disk, ranges })) }) };
    const { id, bytes } = await sealManifest(anew, documents, session.certificate, session.signer, session.sealing);
    const time = compactTime(manifest.created);
    await store.put(layout.packs(time, id), text);
    await store.put(layout.manifest(time, id), bytes);
    await forgetBundles(session, [file], { replaced: () => layout.manifest(time, id) });
    result.bundles.push({ from: file.id, to: id });
  }
  return result;
}

/** Puts what bundles need and `index` does not know into new packs, out of those that are given, however damaged. */
async function moveChunks(session: Session, index: Index, from: readonly string[], needs: { chunks: ChunkTable; pages: ChunkTable }): Promise<void> {
  const lane = packLane();
  const written = indexWriter(session);
  const data = packer(session, index, lane, written.add);
  const meta = packer(session, index, lane, written.add, pagesBegin);
  for (const digest of from) {
    const pack = await openPack(session, digest).catch((error: unknown) => {
      if (isError(error, 'vault')) return salvagePack(session, digest);
      throw error;
    });
    for (const [hex, { bytes, packed }] of pack.entries) {
      const id = Buffer.from(hex, 'hex');
      const page = needs.pages.get(id) !== undefined;
      if (!page && needs.chunks.get(id) === undefined) continue;
      await (page ? meta : data).add(id, bytes, packed);
    }
  }
  await data.flush();
  await meta.flush();
  await written.flush();
}
