import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BaluchonError } from '../../errors.ts';
import { safe } from '../../report/safe.ts';
import { bytes, count } from '../../report/units.ts';
import type { Bundle } from '../../vault/types.ts';
import type { Context } from '../context.ts';
import { reasonOf } from '../exit.ts';
import type { KeyOptions } from '../keys.ts';
import { withBundle } from '../open.ts';

interface Options extends KeyOptions {
  output: string;
  diskFormat: 'raw' | 'qcow2';
  only?: string[];
  bagit?: boolean;
}

export async function run(context: Context, [name = '']: string[], options: Options): Promise<void> {
  const folder = resolve(context.cwd, options.output);
  const existed = await isEmpty(folder, options.output);
  await withBundle(context, name, options, async (whole) => {
    const bundle = await part(whole, options.only);
    const payload = options.bagit ? join(folder, 'data') : folder;
    const kept = existed ? ['documents', 'disks', 'data', 'bagit.txt', 'bag-info.txt', 'manifest-sha256.txt', 'tagmanifest-sha256.txt'].map((name) => join(folder, name)) : [folder];
    try {
      await mkdir(join(payload, 'documents'), { recursive: true });
      const disks = await write(context, bundle, payload, options.diskFormat);
      if (options.bagit) {
        const { writeBag } = await import('../bagit.ts');
        const { id, created, source } = bundle.info;
        await writeBag(context, folder, { 'Source-Organization': `${source.project.name} on ${source.cloud}`, 'External-Identifier': id, 'External-Description': `Bundle of Baluchon, taken ${created}: documents (YAML) and disks (${options.diskFormat})` });
      }
      const files = disks.map((disk) => ({ ...disk, file: options.bagit ? join('data', disk.file) : disk.file }));
      const data = { format: 'baluchon-extract/1', folder, documents: bundle.documents.length, disks: files };
      context.view.result(data, (look) => {
        const held = disks.reduce((sum, disk) => sum + disk.size, 0);
        return `${look.tone('good', 'Extracted')} ${count(data.documents, 'document')} and ${count(disks.length, 'disk')} (${bytes(held)} as ${options.diskFormat}) into ${look.tone('title', safe(options.output))}${options.bagit ? ', a BagIt bag' : ''}.\n`;
      });
    } catch (error) {
      // Half a tree looks like a whole one: it goes.
      await Promise.all(kept.map((path) => rm(path, { recursive: true, force: true })));
      throw error;
    }
  });
}

type Part = Pick<Bundle, 'info' | 'documents' | 'disks' | 'disk' | 'writeDisks'>;

/** Disks that are written at once: each is an open file. */
const together = 64;

/** What `--only` chooses, with what it refers to. */
async function part(bundle: Bundle, only: string[] | undefined): Promise<Part> {
  if (only === undefined) return bundle;
  const { filterDocuments } = await import('../../export/index.ts');
  const documents = filterDocuments(bundle.documents, { only });
  const ids = new Set(documents.map(({ id }) => id));
  return { ...bundle, documents, disks: bundle.disks.filter(({ id }) => ids.has(id)) };
}

async function write(context: Context, bundle: Part, folder: string, format: 'raw' | 'qcow2'): Promise<{ id: string; file: string; size: number }[]> {
  const { documentYaml } = await import('../../vault/index.ts');
  for (const document of bundle.documents) {
    const place = join(folder, 'documents', fileName(document.kind));
    await mkdir(place, { recursive: true });
    await writeFile(join(place, `${fileName(document.id)}.yaml`), documentYaml(document));
  }
  const disks = bundle.disks.map((about) => ({ ...about, file: join('disks', `${fileName(about.id)}.${format}`) }));
  if (disks.length > 0) await mkdir(join(folder, 'disks'));
  const { writeQcow2File, writeRaw, writeRaws } = await import('../../disk/sparse.ts');
  const { writeDisks } = format === 'raw' ? bundle : {};
  for (let next = 0; next < disks.length; ) {
    context.signal.throwIfAborted();
    const some = disks.slice(next, (next += writeDisks ? together : 1)).map((about) => ({
      about,
      what: `${about.kind} ${about.name}`,
      path: join(folder, about.file),
      size: about.size,
      onProgress: (done: number): void => context.emit({ type: 'progress', id: about.id, done }),
    }));
    for (const { about, what } of some) context.emit({ type: 'start', id: about.id, what, total: format === 'raw' ? about.size : about.data_bytes, unit: 'bytes' });
    if (writeDisks) await writeRaws(some, context, (open) => writeDisks(open.map((file, nth) => ({ id: some[nth]!.about.id, ...file }))));
    else {
      const [{ about, path, onProgress }] = some as [(typeof some)[0]];
      const disk = await bundle.disk(about.id);
      await (format === 'raw' ? writeRaw : writeQcow2File)(disk, path, { signal: context.signal, onProgress }).finally(() => disk.close());
    }
    for (const { about, what } of some) context.emit({ type: 'end', id: about.id, what, outcome: 'done' });
  }
  return disks.map(({ id, file, size }) => ({ id, file, size }));
}

/** A kind or id as one part of a path. A bundle is somebody's word: it must not lead out of the folder. */
function fileName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name)) throw new BaluchonError('vault', `the bundle has a document that is called ${JSON.stringify(name)}, which is no file name`);
  return name;
}

/** True for a folder that exists and is empty, false for one that does not exist. */
async function isEmpty(folder: string, shown: string): Promise<boolean> {
  try {
    if ((await readdir(folder)).length === 0) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new BaluchonError('usage', `cannot write to ${shown}: ${reasonOf(error)}`, { cause: error });
  }
  throw new BaluchonError('usage', `${shown} is not empty`, { hint: 'name a folder that is empty, or does not exist yet' });
}
