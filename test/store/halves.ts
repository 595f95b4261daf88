import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service that has one object under every name. The connection breaks in the middle of its first answer, and does not in the second. */
export async function startHalves(body: Buffer): Promise<{ address: string; answers(): number; close(): Promise<void> }> {
  let answers = 0;
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-length': body.length });
    if (++answers > 1) return response.end(body);
    response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers: () => answers,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
