import type { Kind } from './kind.ts';
import schema from '../../schemas/keypair.json' with { type: 'json' };

/** As Nova shows it: `GET /os-keypairs`. Keypairs belong to users, not to projects. */
interface RawKeypair {
  name: string;
  public_key: string;
  fingerprint: string;
  type?: string;
}

export const keypair: Kind<RawKeypair> = {
  name: 'keypair',
  schema,
  refs: {},
  async *list(cloud) {
    if (!cloud.has('compute')) return;
    const compute = await cloud.service('compute');
    for await (const { keypair } of compute.list<{ keypair: RawKeypair }>('/os-keypairs', 'keypairs')) yield keypair;
  },
  key: (raw) => raw.name,
  toDocument: (raw) => ({
    name: raw.name,
    params: { name: raw.name, public_key: raw.public_key.trim(), type: raw.type ?? 'ssh' },
    info: { id: raw.name, fingerprint: raw.fingerprint },
  }),
  async create({ cloud, params }) {
    const compute = await cloud.service('compute');
    const { name, public_key, type } = params;
    await compute.post('/os-keypairs', { keypair: { name, public_key, ...(compute.at('2.2') && { type }) } });
    return name;
  },
};
