// How far a vault reaches: the index of 10 TiB of unique chunks, and the list of 2,000 bundles. `node test/bench/scale.ts [TiB] [bundles]`
import { createHash, randomFillSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity } from '../../src/keys/index.ts';
import { openStore } from '../../src/store/index.ts';
import { readIndexCache, writeIndexCache } from '../../src/vault/cache.ts';
import { addIndexed, emptyIndex, type Index } from '../../src/vault/chunk-index.ts';
import { createVault, openVault } from '../../src/vault/index.ts';
import { compactTime, layout, rfc3339 } from '../../src/vault/layout.ts';
import { sealManifest, type Manifest } from '../../src/vault/manifest.ts';
import { packsText } from '../../src/vault/packs-list.ts';
import { openSession } from '../../src/vault/session.ts';

const [tebibytes = 10, bundles = 2000] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'baluchon-scale-'));
/** Seconds by the clock and, where the machine is shared the steadier figure, of CPU. */
const timed = async <T>(work: () => Promise<T>): Promise<[seconds: string, T]> => {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(cpu);
  return [`${((performance.now() - begun) / 1000).toFixed(1)} s (CPU ${((user + system) / 1e6).toFixed(1)} s)`, value];
};
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

try {
  const key = await generateIdentity('owner');
  const owner = { identity: key.armor() };
  const store = await openStore(join(folder, 'vault'));
  await createVault(store, { owners: [key.toPublic().armor()] });
  const session = await openSession(store, owner);

  const chunks = Math.round((tebibytes * 2 ** 40) / 262144);
  const cache = join(folder, 'cache');
  /** Ids that nothing tells from those of real chunks, and packs of 100 chunks. */
  const fill = async (): Promise<Index> => {
    const index = emptyIndex();
    const block = Buffer.alloc(32 * 4096);
    for (let at = 0; at < chunks; at++) {
      if (at % 4096 === 0) randomFillSync(block);
      const pack = Math.floor(at / 100);
      if (pack === index.packs.length) index.packs.push(sha256(Buffer.from(String(pack))));
      addIndexed(index, block.subarray((at % 4096) * 32, (at % 4096) * 32 + 32), pack);
    }
    return index;
  };
  {
    const [seconds, index] = await timed(fill);
    console.log(`index of ${tebibytes} TiB: ${chunks} chunks, ${(index.chunks.bytes / chunks).toFixed(1)} bytes a chunk, filled in ${seconds}`);
    const [writing] = await timed(() => writeIndexCache(session, cache, index, []));
    console.log(`cache of it: ${(statSync(join(cache, 'index')).size / 2 ** 20).toFixed(0)} MiB, written in ${writing}`);
  }
  globalThis.gc?.();
  {
    const [seconds, found] = await timed(() => readIndexCache(session, cache, undefined, new Set()));
    console.log(`started from the cache in ${seconds}: ${found?.index.chunks.size} chunks, ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB of memory in all`);
  }

  const { header, roster } = session;
  if (roster instanceof Error) throw roster;
  const begun = Date.UTC(2020, 0, 1);
  let previous: string[] = [];
  // Not by the store, which would wait for the disk after each.
  mkdirSync(join(folder, 'vault', 'bundles'), { recursive: true });
  for (let day = 0; day < bundles; day++) {
    const created = rfc3339(new Date(begun + day * 86_400_000));
    const { text } = packsText(header.vault, previous, []);
    const manifest: Manifest = { format: 'baluchon-bundle/1', vault: header.vault, created, tool: 'bench', epoch: 1, source: { cloud: 'alpha', project: { id: 'p', name: 'miop' }, services: {} }, counts: { server: 4 }, disk_bytes: 0, added_bytes: 0, disks: [], packs: { sha256: sha256(text) }, previous, roster: { serial: 1, sha256: roster.digest }, notes: {} };
    const { id, bytes } = await sealManifest(manifest, [], session.certificate, session.signer, session.sealing);
    writeFileSync(join(folder, 'vault', layout.packs(compactTime(created), id)), text);
    writeFileSync(join(folder, 'vault', layout.manifest(compactTime(created), id)), bytes);
    previous = [layout.manifest(compactTime(created), id)];
  }
  for (const which of ['first', 'second']) {
    const [seconds, list] = await timed(async () => (await openVault(store, owner, { cache })).list());
    console.log(`the ${which} list of ${list.length} bundles: ${seconds}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
