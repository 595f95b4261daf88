import { clipExtents, readAll } from '../../disk/extents.ts';
import type { Disk } from '../../disk/disk.ts';
import { BaluchonError } from '../../errors.ts';
import { chooseDocuments } from '../choose.ts';
import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { withBundle } from '../open.ts';

export async function run(context: Context, [name = '', what = '']: string[], options: KeyOptions & { range?: string }): Promise<void> {
  await withBundle(context, name, options, async (bundle) => {
    const chosen = chooseDocuments(bundle.documents, what);
    const disks = bundle.disks.filter((disk) => chosen.some(({ id }) => id === disk.id));
    const [about] = disks;
    if (about === undefined) throw new BaluchonError('usage', `${what} has no disk in this bundle`, { hint: 'baluchon show tells which documents have one' });
    if (disks.length > 1) throw new BaluchonError('usage', `${what} names ${disks.length} disks`, { hint: `name one: ${disks.slice(0, 4).map(({ kind, id }) => `${kind}/${id}`).join(', ')}` });
    const { offset, length } = readRange(options.range, about.size);
    const disk = await bundle.disk(about.id);
    try {
      for await (const bytes of readAll(window(disk, offset, length))) {
        context.signal.throwIfAborted();
        if (!(await context.view.bytes(bytes))) return;
      }
    } finally {
      await disk.close();
    }
  });
}

/** `OFFSET+LENGTH` or `OFFSET` (to the end), in bytes or with KiB, MiB, GiB, TiB. @throws usage where it leads out of the disk. */
function readRange(text: string | undefined, size: number): { offset: number; length: number } {
  if (text === undefined) return { offset: 0, length: size };
  const [, offset, length] = /^(\d+(?:[KMGT]iB)?)(?:\+(\d+(?:[KMGT]iB)?))?$/.exec(text) ?? [];
  if (offset === undefined) throw new BaluchonError('usage', `--range ${text} is not OFFSET or OFFSET+LENGTH`, { hint: 'for example 512+512 or 1GiB+64KiB' });
  const start = amount(offset);
  const range = { offset: start, length: length === undefined ? size - start : amount(length) };
  if (!Number.isSafeInteger(range.offset + range.length) || range.offset > size || range.offset + range.length > size) {
    throw new BaluchonError('usage', `--range ${text} leads out of the disk`, { hint: `it has ${size} bytes` });
  }
  return range;
}

function amount(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)(.*)$/.exec(text) ?? [];
  return Number(digits) * 1024 ** ('KMGT'.indexOf(unit[0] ?? ' ') + 1);
}

/** A range of a disk as a disk of its own; what is a hole there is one here. */
function window(disk: Disk, from: number, length: number): Pick<Disk, 'size' | 'extents' | 'read'> {
  return {
    size: length,
    async *extents() {
      for await (const { offset, length: size } of clipExtents(disk.extents(), from, from + length)) yield { offset: offset - from, length: size };
    },
    read: (at, into) => disk.read(from + at, into),
  };
}
