import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Context } from './context.ts';

/**
 * Makes a BagIt 1.0 bag (RFC 8493) of a folder whose payload lies in `data/`: the two declarations and the manifests of
 * SHA-256 digests, which `sha256sum -c manifest-sha256.txt` checks too.
 */
export async function writeBag(context: Pick<Context, 'emit' | 'signal'>, folder: string, about: { [label: string]: string }): Promise<void> {
  const entries = await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const lines: string[] = [];
  let octets = 0;
  for (const file of files.sort()) {
    const { size } = await stat(join(folder, file));
    context.emit({ type: 'start', id: file, what: `digest of ${file}`, total: size, unit: 'bytes' });
    const digest = createHash('sha256');
    let done = 0;
    for await (const part of createReadStream(join(folder, file), { highWaterMark: 1 << 20, signal: context.signal })) {
      digest.update(part as Buffer);
      context.emit({ type: 'progress', id: file, done: (done += (part as Buffer).length) });
    }
    context.emit({ type: 'end', id: file, what: `digest of ${file}`, outcome: 'done' });
    octets += size;
    lines.push(`${digest.digest('hex')}  ${file}\n`);
  }
  const tags: [name: string, text: string][] = [
    ['bagit.txt', 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'],
    ['bag-info.txt', Object.entries({ ...about, 'Bagging-Date': new Date().toISOString().slice(0, 10), 'Payload-Oxum': `${octets}.${files.length}` }).map(([label, value]) => `${label}: ${value.replace(/\s+/g, ' ')}\n`).join('')],
    ['manifest-sha256.txt', lines.join('')],
  ];
  for (const [name, text] of tags) await writeFile(join(folder, name), text);
  const tagged = await Promise.all(tags.map(async ([name]) => `${createHash('sha256').update(await readFile(join(folder, name))).digest('hex')}  ${name}\n`));
  await writeFile(join(folder, 'tagmanifest-sha256.txt'), tagged.join(''));
}
