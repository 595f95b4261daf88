import { expect, it } from 'vitest';
import { connect } from '../../src/cloud/index.ts';
import { journey } from '../e2e/journey.ts';
import { emptyProject } from './empty.ts';
import { eventually, files, page, pageThrough } from './guests.ts';

const source = process.env['BALUCHON_LAB_SOURCE'] ?? 'alpha';
const target = process.env['BALUCHON_LAB_TARGET'] ?? 'beta';
const config = process.env['OS_CLIENT_CONFIG_FILE'];
if (!config) throw new Error('OS_CLIENT_CONFIG_FILE must lead to a clouds.yaml with the clouds to try on');

/** Every guest but the gateway: address and the port on which its group lets `web` in. */
const NEIGHBOURS = [
  ['10.1.0.11', 3306],
  ['10.1.0.12', 3306],
  ['10.1.0.21', 80],
  ['10.1.0.31', 80],
] as const;

journey(`from ${source} to ${target}`, {
  source,
  target,
  config: () => config,
  before: () => emptyProject(target),
  alive(context) {
    const here = () => context.addresses[0]?.to ?? '';
    const there = () => context.addresses[0]?.from ?? '';

    it('the load balancer answers through its new floating address', async () => {
      const text = await eventually(() => page(here()), (answer) => answer.includes('host: haproxy'), 180);
      expect(text).toContain('host: haproxy');
      expect(text).toContain('10.1.0.10/24');
    });

    it('every file on every guest has the MD5 that it has at home', async () => {
      expect(files(await page(here()))).toEqual(files(await page(there())));
      for (const [address, port] of NEIGHBOURS) {
        const home = await pageThrough(there(), address, port);
        const now = await eventually(() => pageThrough(here(), address, port), (answer) => files(answer).join() === files(home).join() && answer !== '', 180);
        expect(home, address).toContain('host: ');
        expect(files(now), address).toEqual(files(home));
      }
    });

    it('mysql-primary has its address, its MAC and its data volume', async () => {
      const [home, now] = [await pageThrough(there(), '10.1.0.11', 3306), await pageThrough(here(), '10.1.0.11', 3306)];
      const told = (text: string) => text.split('\n').filter((line) => /^(host|address|mac):/.test(line));
      expect(told(now)).toEqual(told(home));
      expect(told(now).join()).toContain('mysql-primary');
      expect(now).toContain('ibdata1');
    });

    it('who is not in group web does not reach the database', async () => {
      const cloud = await connect({ cloud: target });
      const neutron = await cloud.service('network');
      const [network] = await Array.fromAsync(neutron.list<{ id: string }>('/networks', 'networks', { query: { 'router:external': 'true' } }));
      const port = async (query: Record<string, string>) => (await Array.fromAsync(neutron.list<{ id: string }>('/ports', 'ports', { query })))[0]?.id;
      const mac = /mac: (\S+)/.exec(await pageThrough(here(), '10.1.0.11', 3306))?.[1] ?? '';
      const { body } = await neutron.post<{ floatingip: { id: string; floating_ip_address: string } }>('/floatingips', { floatingip: { floating_network_id: network?.id, port_id: await port({ mac_address: mac }) } });
      try {
        // The same address, bound to a member of web, answers: so the way is open, and the group is what shuts it.
        expect(await page(body.floatingip.floating_ip_address, 3306)).toBe('');
        await neutron.put(`/floatingips/${body.floatingip.id}`, { floatingip: { port_id: await port({ fixed_ips: 'ip_address=10.1.0.21' }) } });
        expect(await eventually(() => page(body.floatingip.floating_ip_address), (answer) => answer !== '', 60)).toContain('host: php-1');
      } finally {
        await neutron.delete(`/floatingips/${body.floatingip.id}`);
        await cloud.close();
      }
    });
  },
});
