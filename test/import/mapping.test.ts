import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptyMapping, guessMapping, readMapping, writeMapping } from '../../src/import/index.ts';
import { document, idOf } from '../tenant/tenants.ts';
import { cloudsOwn, inventoryOf } from './kit.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mapping-'));
  await writeFile(join(folder, 'init.sh'), '#!/bin/sh\n');
});
afterAll(() => rm(folder, { recursive: true }));
const read = (text: string) => readMapping(text, join(folder, 'map.yaml'));

const flavor = (name: string, ram: number) => document('flavor', name, { name, vcpus: 1, ram, disk: 1, ephemeral: 0, swap: 0, extra_specs: {} });
const volume = document('volume', 'v', { name: 'v', size: 1, volume_type: 'fast', availability_zone: 'paris-1' });
const bundle = [flavor('m1 "é": #', 128), flavor('huge', 1e6), document('network', 'ext', { name: 'ext-net', external: true }), volume];

describe('a mapping file', () => {
  test('is read with what it leaves out, its files beside it', () => {
    expect(read('flavors: {m1: b2}\nuser_data: {web: init.sh}\n')).toEqual({ ...emptyMapping(), flavors: { m1: 'b2' }, user_data: { web: join(folder, 'init.sh') } });
    for (const nothing of ['', '# nothing\n', '---\n', '{}']) expect(read(nothing)).toEqual(emptyMapping());
  });

  test.each([
    ['flavors: [1]\ndefault_security_group: maybe\ntypo: {}\n', 3],
    ['user_data: {a: none.sh, b: nothing.sh}\n', 2],
    ['flavors: {a: b\n', 1],
    ['flavors: {}\n---\nflavors: {}\n', 1],
  ])('that is wrong is told line by line: %j', (text, lines) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringMatching(new RegExp(`^(.*map\\.yaml: [^\\n]+\\n?){${lines}}$`)) }));
  });

  test('of guesses is read back as they were, whatever the names; what is missing stands as a comment', () => {
    const guess = guessMapping(bundle, inventoryOf());
    const text = writeMapping(guess, 'a title');
    expect(read(text)).toEqual(guess.mapping);
    expect(guess.mapping).toMatchObject({ flavors: { 'm1 "é": #': 'b2.s' }, networks: { 'ext-net': 'public' }, volume_types: { fast: 'standard' }, availability_zones: { 'paris-1': 'nova' }, default_security_group: 'exact' });
    expect(text).toMatch(/^ {2}# huge: .*nothing here stands for it \(1 vCPU, 1000000 MiB, 1 GiB\): name one$/m);
  });

  test('asks about the group default where ports of the project may use it', () => {
    const port = document('port', 'p', { name: 'p', network_id: idOf('network', 'n'), security_groups: [] });
    expect(guessMapping([], inventoryOf([...cloudsOwn(), port])).mapping.default_security_group).toBe('ask');
  });
});
