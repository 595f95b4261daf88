import type { Service } from '../cloud/cloud.ts';
import { waitFor } from '../cloud/wait.ts';
import { isError } from '../errors.ts';

interface Status {
  server: { status: string; fault?: { message: string }; 'OS-EXT-STS:task_state'?: string | null };
}

/** Waits for a status; one that ends in ERROR ends the waiting, with Nova's reason. */
export async function inStatus(nova: Service, id: string, name: string, wanted: string, signal?: AbortSignal): Promise<void> {
  await waitFor(
    `server ${name}`,
    async () => (await nova.get<Status>(`/servers/${id}`, { signal })).server,
    ({ status, fault }) => status === wanted || (status === 'ERROR' && (fault?.message ?? 'it went to status ERROR')),
    { signal, stall: 3_600_000 },
  );
}

/** Stops a server and waits until it is off. Only the waiting can be interrupted: that it was told to stop is certain. */
export async function stop(nova: Service, id: string, name: string, signal?: AbortSignal): Promise<void> {
  await nova.post(`/servers/${id}/action`, { 'os-stop': null });
  await inStatus(nova, id, name, 'SHUTOFF', signal);
}

/** Starts a server again, in whatever state an interrupted stop has left it: Nova refuses while it is still stopping. */
export async function resume(nova: Service, id: string, name: string): Promise<void> {
  await waitFor(
    `start of server ${name}`,
    async () => {
      const { server } = await nova.get<Status>(`/servers/${id}`);
      const idle = !server['OS-EXT-STS:task_state'];
      if (server.status === 'SHUTOFF' && idle) {
        await nova.post(`/servers/${id}/action`, { 'os-start': null }).catch((error: unknown) => {
          if (!isError(error, 'conflict')) throw error;
        });
      }
      return { status: server.status, idle };
    },
    ({ status, idle }) => (status === 'ACTIVE' && idle) || (status === 'ERROR' && 'it went to status ERROR'),
    { stall: 600_000 },
  );
}

/** Removes a server and waits until it is gone. */
export async function removeServer(nova: Service, id: string, name: string): Promise<void> {
  const gone = (error: unknown) => {
    if (isError(error, 'not-found')) return true;
    if (isError(error, 'conflict')) return false;
    throw error;
  };
  const remove = async () => {
    await nova.delete(`/servers/${id}`);
    await nova.get(`/servers/${id}`);
    return false;
  };
  await waitFor(`removal of server ${name}`, () => remove().catch(gone), (is) => is, { stall: 600_000 });
}
