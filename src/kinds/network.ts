import { isError } from '../errors.ts';
import schema from '../../schemas/network.json' with { type: 'json' };
import type { Kind } from './kind.ts';
import { accepted, create, described, noQos, notes, one, others, own, sorted, tag, warn, type Resource } from './neutron.ts';

export interface RawNetwork extends Resource {
  admin_state_up?: boolean;
  mtu?: number;
  port_security_enabled?: boolean;
  dns_domain?: string | null;
  shared?: boolean;
  'router:external'?: boolean;
}

export const network: Kind<RawNetwork> = {
  name: 'network',
  schema,
  refs: {},
  list: (cloud) => own(cloud, 'network'),
  fetch: (cloud, id) => one(cloud, 'network', id),
  async *offers(cloud) {
    const seen = new Set<string>();
    yield* own<RawNetwork>(cloud, 'network', { 'router:external': 'true' });
    for (const filter of ['router:external', 'shared']) {
      for await (const raw of others<RawNetwork>(cloud, 'network', { [filter]: 'true' })) {
        if (!seen.has(raw.id)) yield raw;
        seen.add(raw.id);
      }
    }
  },
  key: ({ id }) => id,
  toDocument: (raw) =>
    described(
      raw,
      {
        name: raw.name ?? '',
        description: raw.description ?? undefined,
        admin_state_up: raw.admin_state_up,
        mtu: raw.mtu || undefined,
        port_security_enabled: raw.port_security_enabled,
        // Of a zone that only the source's DNS service has, and nothing without one.
        dns_domain: raw.dns_domain || undefined,
        tags: sorted(raw.tags),
        // Only an admin makes these two: an import looks for the target's own.
        external: raw['router:external'] || undefined,
        shared: (raw.foreign && !raw['router:external']) || undefined,
      },
      ['foreign', 'router:external'],
    ),
  unknown: ({ params, info }) =>
    notes({
      shared: info.shared === true && !params.external && !params.shared && ['lost', 'sharing it with other projects is not carried along'],
      qos_policy_id: noQos(info),
    }),
  foreign: ({ params }) => params.external === true || params.shared === true,
  rank(wanted, offer) {
    const sameName = wanted.name !== '' && wanted.name === offer.name;
    if (wanted.params.external && offer.params.external) return sameName ? { cost: 0, reason: 'external network of the same name' } : { cost: 1, reason: 'external network' };
    // Any other shared network may lead anywhere: that is for a person to choose.
    return wanted.params.shared && offer.params.shared && sameName ? { cost: 0, reason: 'shared network of the same name' } : undefined;
  },
  async create(work) {
    const { name, description, admin_state_up, mtu, port_security_enabled, dns_domain } = work.params;
    const attributes = await accepted(work, { name, description, admin_state_up, mtu, port_security_enabled, dns_domain });
    const made = await create<RawNetwork>(work, 'network', attributes).catch((error: unknown) => {
      // The largest MTU is the cloud's secret until one asks for more.
      if (attributes.mtu === undefined || !isError(error) || error.status !== 400 || !/mtu/i.test(error.message)) throw error;
      return create<RawNetwork>(work, 'network', { ...attributes, mtu: undefined });
    });
    if (mtu !== undefined && made.mtu !== undefined && made.mtu < mtu) warn(work, `MTU ${made.mtu} in place of ${mtu}, more than this cloud carries: guests that set their own have to be changed`);
    await tag(work, 'network', made.id);
    return made.id;
  },
};
