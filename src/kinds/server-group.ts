import type { Kind } from './kind.ts';
import schema from '../../schemas/server-group.json' with { type: 'json' };

/** `GET /os-server-groups`; `policies` below 2.64, `policy` and `rules` from there on. */
interface RawServerGroup {
  id: string;
  name: string;
  policy?: string;
  policies?: string[];
  rules?: { max_server_per_host?: number };
  members: string[];
}

export const serverGroup: Kind<RawServerGroup> = {
  name: 'server-group',
  schema,
  refs: {},
  async *list(cloud) {
    if (!cloud.has('compute')) return;
    yield* (await cloud.service('compute')).list<RawServerGroup>('/os-server-groups', 'server_groups');
  },
  key: (raw) => raw.id,
  toDocument: (raw) => ({
    name: raw.name,
    params: { name: raw.name, policy: raw.policy ?? raw.policies?.[0] ?? 'anti-affinity', rules: { ...raw.rules } },
    info: { id: raw.id },
  }),
  async create({ cloud, params }) {
    const compute = await cloud.service('compute');
    const { name, policy, rules } = params;
    const body = compute.at('2.64')
      ? { name, policy, ...(Object.keys(rules).length > 0 && { rules }) }
      : { name, policies: [policy] };
    return (await compute.post('/os-server-groups', { server_group: body })).body.server_group.id;
  },
};
