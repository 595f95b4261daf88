/** One measured piece of work of ours, as a process: `node task.ts scan IMAGE`. */
import { openImage } from '../../src/disk/open.ts';
import { readExtents } from '../../src/disk/extents.ts';
import { writeQcow2File, writeRaw } from '../../src/disk/sparse.ts';
import { isZero } from '../../src/disk/zero.ts';

/** Loaded where it is used: reading an image must not pay for OpenPGP. */
const vaults = async (place: string) => {
  const [{ directoryStore }, { createVault, openVault }] = await Promise.all([import('../../src/store/directory.ts'), import('../../src/vault/index.ts')]);
  const store = directoryStore(place);
  return { create: () => createVault(store, { passphrases: [key.passphrase] }), open: () => openVault(store, key) };
};

const key = { passphrase: 'a passphrase for figures' };
const [task, a = '', b = ''] = process.argv.slice(2);

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
} else if (task === 'init') {
  await (await vaults(a)).create();
} else if (task === 'backup') {
  const vault = await (await vaults(a)).open();
  const disk = await openImage(b);
  const bundle = await vault.begin();
  await bundle.addDisk(disk, { id: 'volume-000000000001', kind: 'volume', name: 'disk', size: disk.size, source_format: 'raw', consistency: 'stopped', taken_at: new Date().toISOString() });
  const document = { kind: 'volume', id: 'volume-000000000001', name: 'disk', params: {}, refs: {}, info: {} };
  await bundle.commit({ source: { cloud: 'bench', project: { id: 'bench', name: 'bench' }, services: {} }, documents: [document] });
  await disk.close();
  await vault.close();
} else if (task === 'restore') {
  const vault = await (await vaults(a)).open();
  const bundle = await vault.open('latest');
  const disk = await bundle.disk('volume-000000000001');
  await writeRaw(disk, b);
  await disk.close();
  await vault.close();
} else {
  throw new Error(`no task ${task}`);
}
