import { afterAll, describe, expect, test } from 'vitest';
import { connect } from '../../src/cloud/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { storeContract } from '../contract/store.ts';

const target = process.env['BALUCHON_LAB_TARGET'] ?? 'beta';
const run = `store-test-${Date.now().toString(36)}`;

async function open(url: string): Promise<Store> {
  return openStore(url, {
    create: true,
    swift: async (name) => {
      const cloud = await connect({ cloud: name! });
      const { url: root } = await cloud.service('object-store');
      return { url: root, ...(cloud.tls && { tls: cloud.tls }), token: (refused) => cloud.token(refused), close: () => cloud.close() };
    },
  });
}

/** Further places to try, apart by spaces: `s3://bucket azure://container`, with the variables that they need. What is put there is removed. */
const more = (process.env['BALUCHON_LAB_STORES'] ?? '').split(' ').filter(Boolean);

let count = 0;
for (const place of more) storeContract(place, () => open(`${place}/${run}/v${count++}`));
storeContract(`a container on ${target}`, () => open(`swift://${run}/v${count++}?cloud=${target}`));

describe(`a container on ${target}`, () => {
  test('takes a pack of the largest size whole, and gives back any part of it', async () => {
    const store = await open(`swift://${run}/large?cloud=${target}`);
    const body = Buffer.alloc(32 << 20, 'baluchon');
    await store.put('packs/aa/large', body);
    expect(await store.stat('packs/aa/large')).toMatchObject({ size: body.length });
    expect(Buffer.from(await store.get('packs/aa/large')).equals(body)).toBe(true);
    const part = { offset: (32 << 20) - 1001, length: 1001 };
    expect(Buffer.from(await store.get('packs/aa/large', part)).equals(body.subarray(-1001))).toBe(true);
    await store.close();
  });

  test('is refused under a token that is none, and taken up again with a good one', async () => {
    const cloud = await connect({ cloud: target });
    const { url } = await cloud.service('object-store');
    let asked = 0;
    const store = await openStore(`swift://${run}/token?cloud=${target}`, {
      create: true,
      swift: async () => ({ url, token: (refused) => (asked++ === 0 ? Promise.resolve('none') : cloud.token(refused)), close: () => cloud.close() }),
    });
    await store.put('a', Buffer.from('1'));
    expect(String(Buffer.from(await store.get('a')))).toBe('1');
    expect(asked).toBeGreaterThan(1);
    await store.close();
  });
});

afterAll(async () => {
  for (const place of more) {
    const store = await open(`${place}/${run}`);
    for await (const { name } of store.list('')) await store.remove(name);
    await store.close();
  }
  const cloud = await connect({ cloud: target });
  const swift = await cloud.service('object-store');
  for (let found: { name: string }[]; (found = await swift.get(`/${run}`, { query: { format: 'json' } })).length > 0; ) {
    for (const { name } of found) await swift.delete(`/${run}/${name}`);
  }
  await swift.delete(`/${run}`);
  await cloud.close();
});
