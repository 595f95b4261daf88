import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { Store } from '../../src/store/store.ts';

/**
 * What every client must do whose connection is lost in the middle of an answer.
 * @param open a store of the service at an address
 * @param page the service's words for a list of one object, `a`
 */
export function asksAgain(open: (address: string) => Promise<Store>, page: string): void {
  const body = randomBytes(400_000);
  const cases: [string, Buffer, (store: Store) => Promise<unknown>, unknown][] = [
    ['a file', body, async (store) => body.equals(await store.get('a')), true],
    ['a part of one', body, async (store) => body.equals(await store.get('a', { offset: 0, length: body.length })), true],
    ['a list', Buffer.from(page), (store) => Array.fromAsync(store.names('')), ['a']],
  ];
  test.each(cases)('half an answer is no answer, it is asked for again: %s', async (_name, answer, ask, expected) => {
    let answers = 0;
    const server = createServer((request, response) => {
      response.writeHead(200, { 'content-length': answer.length });
      if (++answers > 1) return response.end(answer);
      response.write(answer.subarray(0, answer.length / 2), () => request.socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const store = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      expect(await ask(store)).toEqual(expected);
      expect(answers).toBe(2);
    } finally {
      await store.close();
      server.close();
      server.closeAllConnections();
    }
  });
}
