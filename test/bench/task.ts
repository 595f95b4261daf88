/** One measured piece of work of ours, as a process: `node task.ts scan IMAGE`. */
import { openImage } from '../../src/disk/open.ts';
import { readExtents } from '../../src/disk/extents.ts';
import { writeQcow2File, writeRaw } from '../../src/disk/sparse.ts';
import { isZero } from '../../src/disk/zero.ts';

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
} else {
  throw new Error(`no task ${task}`);
}
