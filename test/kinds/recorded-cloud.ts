import type { Cloud, ServiceType } from '../../src/cloud/cloud.ts';
import { compareVersions } from '../../src/cloud/microversion.ts';
import { recorded, recordedCloud, refusal } from './neutron-stub.ts';

/** The whole project whose answers were recorded, as its ordinary user sees it: Nova 2.93, Cinder 3.70, Glance, Neutron. Reads only. */
export function wholeCloud(options: { without?: ServiceType[]; refuse?: (type: ServiceType, path: string) => Error | undefined } = {}): Cloud {
  const neutron = recordedCloud();
  const servers = recorded('server');
  const answers: Record<string, (path: string) => unknown> = {
    compute: (path) => {
      const [, server, about] = /^\/servers\/([^/]+)\/(os-interface|os-volume_attachments)$/.exec(path) ?? [];
      if (about === 'os-interface') return { interfaceAttachments: servers.interfaces[server!] };
      if (about === 'os-volume_attachments') return { volumeAttachments: servers.attachments[server!] };
      return { '/servers/detail': servers, '/os-server-groups': recorded('server-group'), '/os-keypairs': recorded('keypair'), '/flavors/detail': recorded('flavor') }[path];
    },
    volume: (path) => {
      const { volumes } = recorded('volume');
      return { '/volumes/detail': { volumes }, '/snapshots/detail': recorded('volume-snapshot') }[path] ?? { volume: volumes.find(({ id }: { id: string }) => path === `/volumes/${id}`) };
    },
    image: (path) => (path === '/images' ? recorded('image') : recorded('image').images.find(({ id }: { id: string }) => path === `/images/${id}`)),
  };
  const service = async (type: ServiceType) => {
    const network = await neutron.service('network');
    const answer = (path: string) => {
      const refused = options.refuse?.(type, path);
      if (refused) throw refused;
      if (type === 'network') return undefined;
      const found = answers[type]?.(path);
      if (found === undefined) throw refusal(404, 'not-found', `no ${path}`);
      return structuredClone(found);
    };
    const microversion = { compute: '2.93', volume: '3.70' }[type as string];
    return {
      ...network,
      type,
      microversion,
      at: (version: string) => microversion !== undefined && compareVersions(microversion, version) >= 0,
      get: async (path: string, more?: object) => answer(path) ?? network.get(path, more),
      async *list(path: string, key: string, more?: object) {
        const body = answer(path) as Record<string, unknown[]> | undefined;
        yield* body ? body[key]! : network.list(path, key, more);
      },
    } as never;
  };
  return { ...neutron, service, has: (type) => type !== 'object-store' && !options.without?.includes(type) };
}
