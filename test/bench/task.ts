/** One measured piece of work of ours, as a process: `node task.ts scan IMAGE`, `node task.ts backup VAULT PASSPHRASE-FILE IMAGE...`. */
import { readFile } from 'node:fs/promises';
import { openImage } from '../../src/disk/open.ts';
import { readExtents } from '../../src/disk/extents.ts';
import { writeQcow2File, writeRaw } from '../../src/disk/sparse.ts';
import { isZero } from '../../src/disk/zero.ts';

const [task, a = '', b = '', ...files] = process.argv.slice(2);

if (task === 'scan') {
  const disk = await openImage(a);
  let data = 0;
  for await (const { bytes } of readExtents(disk, disk.extents())) data += isZero(bytes) ? 0 : bytes.length;
  await disk.close();
  if (data === 0) throw new Error('an image without data');
} else if (task === 'raw' || task === 'qcow2') {
  const disk = await openImage(a);
  await (task === 'raw' ? writeRaw : writeQcow2File)(disk, b);
  await disk.close();
} else if (task === 'backup') {
  // Loaded where it is used: reading an image must not pay for OpenPGP.
  const [{ openStore }, { openVault }] = await Promise.all([import('../../src/store/index.ts'), import('../../src/vault/index.ts')]);
  const vault = await openVault(await openStore(a), { passphrase: (await readFile(b, 'utf8')).trim() });
  const bundle = await vault.begin();
  const documents = await Promise.all(
    files.map(async (file, nth) => {
      const disk = await openImage(file, 'raw');
      const id = `volume-${String(nth + 1).padStart(12, '0')}`;
      await bundle.addDisk(disk, { id, kind: 'volume', name: file, size: disk.size, source_format: 'raw', consistency: 'stopped', taken_at: '2026-01-01T00:00:00Z' });
      await disk.close();
      return { kind: 'volume', id, name: file, params: {}, refs: {}, info: {} };
    }),
  );
  await bundle.commit({ source: { cloud: 'bench', project: { id: 'bench', name: 'bench' }, services: {} }, documents });
  await vault.close();
} else {
  throw new Error(`no task ${task}`);
}
