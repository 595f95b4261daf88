import { connect, type Cloud } from '../../src/cloud/index.ts';
import { isError } from '../../src/errors.ts';

/** Removes everything from the project of a cloud that is there to be tried on, however long that takes. Never called on the source. */
export async function emptyProject(name: string): Promise<void> {
  const cloud = await connect({ cloud: name });
  try {
    for (const until = Date.now() + 300_000; ; ) {
      try {
        return await sweep(cloud);
      } catch (error) {
        // What was deleted a moment ago may still stand in the way of the next.
        if (!isError(error, 'conflict') || Date.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, 3000));
      }
    }
  } finally {
    await cloud.close();
  }
}

async function sweep(cloud: Cloud): Promise<void> {
  const nova = await cloud.service('compute');
  const neutron = await cloud.service('network');
  const cinder = await cloud.service('volume');
  const glance = await cloud.service('image');
  const mine = { project_id: cloud.project.id };
  await removeAll(nova.list('/servers/detail', 'servers'), ({ id }) => nova.delete(`/servers/${id}`));
  await gone(async () => (await all(nova.list('/servers/detail', 'servers'))).length);
  await removeAll(neutron.list('/floatingips', 'floatingips', { query: mine }), ({ id }) => neutron.delete(`/floatingips/${id}`));
  for (const router of await all(neutron.list('/routers', 'routers', { query: mine }))) {
    await neutron.put(`/routers/${router.id}`, { router: { routes: [] } });
    await removeAll(neutron.list('/ports', 'ports', { query: { device_id: router.id } }), ({ id }) => neutron.put(`/routers/${router.id}/remove_router_interface`, { port_id: id }));
    await neutron.delete(`/routers/${router.id}`);
  }
  await removeAll(ports(cloud), ({ id }) => neutron.delete(`/ports/${id}`));
  await removeAll(neutron.list('/networks', 'networks', { query: mine }), ({ id }) => neutron.delete(`/networks/${id}`));
  const groups = (await all(neutron.list('/security-groups', 'security_groups', { query: mine }))).filter((group) => group.name !== 'default');
  for (const { security_group_rules } of groups) for (const rule of security_group_rules) if (rule.remote_group_id) await quietly(neutron.delete(`/security-group-rules/${rule.id}`));
  for (const { id } of groups) await neutron.delete(`/security-groups/${id}`);
  await removeAll(cinder.list('/snapshots', 'snapshots'), ({ id }) => cinder.delete(`/snapshots/${id}`));
  await gone(async () => (await all(cinder.list('/snapshots', 'snapshots'))).length);
  await removeAll(cinder.list('/volumes', 'volumes'), ({ id }) => cinder.delete(`/volumes/${id}`));
  await gone(async () => (await all(cinder.list('/volumes', 'volumes'))).length);
  for (const image of await all(glance.list('/images', 'images', { query: { owner: cloud.project.id } }))) if (image.owner === cloud.project.id) await quietly(glance.delete(`/images/${image.id}`));
  await removeAll(nova.list('/os-keypairs', 'keypairs'), ({ keypair }) => nova.delete(`/os-keypairs/${encodeURIComponent(keypair.name)}`));
  await removeAll(nova.list('/os-server-groups', 'server_groups'), ({ id }) => nova.delete(`/os-server-groups/${id}`));
}

async function* ports(cloud: Cloud): AsyncIterable<any> {
  const neutron = await cloud.service('network');
  for await (const port of neutron.list('/ports', 'ports', { query: { project_id: cloud.project.id } })) if (!port.device_owner.startsWith('network:')) yield port;
}

const all = <T>(list: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(list);

async function removeAll(list: AsyncIterable<any>, remove: (item: any) => Promise<unknown>): Promise<void> {
  for (const item of await all(list)) await quietly(remove(item));
}

/** What went by itself meanwhile needs no removing. */
async function quietly(removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: unknown) => {
    if (!isError(error, 'not-found')) throw error;
  });
}

async function gone(count: () => Promise<number>): Promise<void> {
  for (const until = Date.now() + 300_000; (await count()) > 0; ) {
    if (Date.now() > until) throw new Error('the project does not get empty');
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
