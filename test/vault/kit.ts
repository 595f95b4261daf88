import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { Disk } from '../../src/disk/disk.ts';
import type { DiskDocument, Document } from '../../src/tenant/document.ts';
import type { Source } from '../../src/vault/index.ts';
import { run } from '../tools.ts';

export const chunk = 262144;

/** Bytes that no compressor shrinks, the same every time. */
export function noise(length: number, seed: string | number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, count = 0; at < length; at += 64, count++) parts.push(createHash('sha512').update(`${seed} ${count}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

/** Text as log files have it: compresses well. */
export function prose(length: number, seed: string | number): Buffer {
  const parts: string[] = [];
  for (let at = 0, count = 0; at < length; count++) {
    const line = `${seed} ${count}: ${createHash('md5').update(`${seed} ${count}`).digest('hex')}, accepted from 10.1.0.${count % 256}\n`;
    parts.push(line);
    at += line.length;
  }
  return Buffer.from(parts.join('')).subarray(0, length);
}

/** A disk over bytes in memory; extents are the whole, or those given. */
export function disk(bytes: Buffer, extents: [offset: number, length: number][] = [[0, bytes.length]]): Disk {
  return {
    size: bytes.length,
    async *extents() {
      for (const [offset, length] of extents) if (length > 0) yield { offset, length };
    },
    async read(offset, into) {
      bytes.copy(into, 0, offset, offset + into.length);
    },
    async close() {},
  };
}

export async function contents(of: Disk, step = 300_000): Promise<Buffer> {
  const bytes = Buffer.alloc(of.size, 0xee);
  for (let at = 0; at < of.size; at += step) await of.read(at, bytes.subarray(at, at + step));
  return bytes;
}

export function about(id: string, size: number): DiskDocument {
  return { id, kind: 'volume', name: `disk ${id}`, size, source_format: 'raw', consistency: 'crash', taken_at: '2026-11-21T12:00:00Z' };
}

export const source: Source = { cloud: 'alpha', region: 'RegionAlpha', project: { id: '7f3c', name: 'miop' }, services: { compute: { version: '2.1', microversion: '2.93' } } };

export function documents(count = 3): Document[] {
  return Array.from({ length: count }, (_, at) => ({
    kind: at % 2 === 0 ? 'volume' : 'network',
    id: `${at % 2 === 0 ? 'volume' : 'network'}-${String(at).padStart(12, '0')}`,
    name: ['mysql-storage', '', 'réseau 三 "x"', 'yes', '0123'][at % 5]!,
    params: { size: at, tags: ['b', 'a'], multi: 'one\n  two\n\n', hex: '1e5', nothing: null },
    refs: {},
    info: { id: `cloud-${at}` },
  }));
}

const folders: string[] = [];

/** An empty folder with a short path, removed at the end of the test file. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'bal-'));
  folders.push(path);
  return path;
}

afterAll(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** What the recover.sh of a vault's folder gives back, all of it: the folder that it is in. */
export function recovered(vault: string, args: string[], script = 'recover.sh'): string {
  const out = join(folder(), 'out');
  const { status, text } = run('sh', [script, ...args, out], { cwd: vault });
  expect(text).toContain('all is in');
  expect(status).toBe(0);
  return out;
}

/** A file of one line. */
export function lineFile(text: string): string {
  const path = join(folder(), 'line');
  writeFileSync(path, `${text}\n`);
  return path;
}
