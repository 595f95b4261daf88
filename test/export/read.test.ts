import { describe, expect, test } from 'vitest';
import { filterDocuments, readTenant } from '../../src/export/index.ts';
import { checkDocuments } from '../../src/import/check.ts';
import { isMissing } from '../../src/kinds/index.ts';
import { targets } from '../../src/tenant/refs.ts';
import { refusal } from '../kinds/neutron-stub.ts';
import { wholeCloud } from '../kinds/recorded-cloud.ts';

describe('a project is read', () => {
  test('as documents that are what their kinds say, and of which none refers to nothing', async () => {
    const { documents, notes, source } = await readTenant(wholeCloud());
    expect(() => checkDocuments(documents)).not.toThrow();
    const ids = new Set(documents.map(({ id }) => id));
    for (const document of documents) for (const id of targets(document)) expect(ids).toContain(id);
    expect(documents.filter(({ kind }) => kind === 'server').map(({ name }) => name)).toEqual(['haproxy', 'mysql-primary', 'mysql-standby', 'php-1', 'wiki']);
    expect(notes.every(({ attribute }) => attribute === 'user_data')).toBe(true);
    expect(source).toMatchObject({ project: { name: 'miop' }, services: { compute: { microversion: '2.93' }, volume: { microversion: '3.70' } } });
  });

  test('twice alike, ids and order and all', async () => {
    expect(await readTenant(wholeCloud())).toEqual(await readTenant(wholeCloud()));
  });

  test('with what the cloud lets everybody use, where that is asked for', async () => {
    const { documents } = await readTenant(wholeCloud(), { offers: true });
    expect(documents.filter(({ kind, info }) => kind === 'flavor' && info.id).length).toBeGreaterThan(1);
  });

  test('with a note in place of what this user may not list, and a word that stands for what he can\'t see', async () => {
    const cloud = wholeCloud({ refuse: (_, path) => (path === '/os-keypairs' || /^\/images\/./.test(path) ? refusal(403, 'forbidden', 'policy') : undefined) });
    const { documents, notes } = await readTenant(cloud);
    expect(notes).toContainEqual({ id: '', kind: 'keypair', name: '*', verdict: 'unknown', reason: 'this user may not list them: policy' });
    expect(documents.filter(isMissing).map(({ kind, name }) => `${kind} ${name}`).toSorted()).toEqual(expect.arrayContaining(['keypair demo']));
  });

  test('no further when it is interrupted', async () => {
    await expect(readTenant(wholeCloud(), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('no further when the cloud fails', async () => {
    const failure = refusal(500, 'cloud', 'database is down');
    await expect(readTenant(wholeCloud({ refuse: (type) => (type === 'volume' ? failure : undefined) }))).rejects.toBe(failure);
  });
});

describe('part of a project', () => {
  const part = async (options: Parameters<typeof filterDocuments>[1]) => filterDocuments((await readTenant(wholeCloud())).documents, options);
  const names = (documents: Awaited<ReturnType<typeof part>>, kind: string) => documents.filter((each) => each.kind === kind).map(({ name }) => name);

  test('is what was chosen, by kind and name, with all that it needs', async () => {
    const documents = await part({ only: ['server:mysql-*'] });
    expect(names(documents, 'server')).toEqual(['mysql-primary', 'mysql-standby']);
    expect(names(documents, 'volume')).toEqual(['mysql-storage']);
    expect(names(documents, 'router')).toEqual(['miop-router']);
    // `db` lets in members of `web`.
    expect(names(documents, 'security-group')).toEqual(['db', 'web']);
    expect(names(documents, 'floating-ip')).toEqual([]);
    const ids = new Set(documents.map(({ id }) => id));
    for (const document of documents) for (const id of targets(document)) expect(ids).toContain(id);
  });

  test('names what is left out and needed all the same', async () => {
    const documents = await part({ exclude: ['volume', 'floating-ip'] });
    expect(documents.filter(isMissing)).toContainEqual(expect.objectContaining({ kind: 'volume', name: 'mysql-storage', params: {}, info: { missing: 'left out by --exclude' } }));
    expect(names(documents, 'floating-ip')).toEqual([]);
  });

  test.each(['sever', 'server:nobody'])('that is nothing (%s) is a mistake that is told', async (text) => {
    await expect(part({ only: [text] })).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(`--only ${text}`) });
  });
});
