import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inOrder, stepsOf } from '../../src/import/steps.ts';
import { kindOf } from '../../src/kinds/index.ts';
import { targets } from '../../src/tenant/refs.ts';
import { document, tcp, tenants } from '../tenant/tenants.ts';

const net = document('network', 'net', { name: 'net' });
const subnet = document('subnet', 'sub', { name: 'sub', network_id: net.id });
const port = document('port', 'p', { name: 'p', network_id: net.id, fixed_ips: [{ subnet_id: subnet.id, ip_address: '10.0.0.5' }], security_groups: [] });
const router = document('router', 'r', { name: 'r', interfaces: [{ subnet_id: subnet.id, ip_address: '10.0.0.1' }] });
const floating = document('floating-ip', 'f', { port_id: port.id });
const image = document('image', 'own', { name: 'own', properties: {} });
const server = document('server', 's', { name: 's', image: image.id, networks: [{ port: port.id }], volumes: [] });
const group = (key: string) => document('security-group', key, { name: key, rules: [] });

/** Everything that a step waits for, however far back. */
function before(steps: ReturnType<typeof stepsOf>, id: string): Set<string> {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const all = new Set<string>();
  const visit = (step: string) => {
    for (const each of byId.get(step)?.after ?? []) {
      if (all.has(each)) continue;
      all.add(each);
      visit(each);
    }
  };
  visit(id);
  return all;
}

describe('the steps of an import', () => {
  const steps = stepsOf([server, image, floating, port, router, subnet, net]);

  test('give a subnet its DHCP after its ports and routers have their addresses', () => {
    expect([...before(steps, `complete ${subnet.id}`)]).toEqual(expect.arrayContaining([`create ${port.id}`, `create ${router.id}`]));
    expect(before(steps, `create ${port.id}`)).not.toContain(`complete ${subnet.id}`);
  });

  test('make a server after the subnets of its ports are complete and their routers there', () => {
    expect([...before(steps, `create ${server.id}`)]).toEqual(expect.arrayContaining([`create ${port.id}`, `complete ${subnet.id}`, `create ${router.id}`]));
  });

  test('bind a floating address after a router leads to its port', () => {
    expect(before(steps, `create ${floating.id}`)).toContain(`create ${router.id}`);
  });

  test('give groups their rules after all groups they refer to are there, and ports theirs after that', () => {
    const [a, b] = [group('a'), group('b')];
    const [first, second] = [document('security-group', 'a', { name: 'a', rules: [tcp(1, { remote_group_id: b.id }), tcp(2, { remote_group_id: a.id })] }), document('security-group', 'b', { name: 'b', rules: [tcp(1, { remote_group_id: a.id })] })];
    const guarded = document('port', 'q', { name: 'q', network_id: net.id, security_groups: [first.id] });
    const circle = stepsOf([first, second, guarded, net]);
    expect(before(circle, `complete ${first.id}`)).toEqual(new Set([`create ${first.id}`, `create ${second.id}`]));
    expect(before(circle, `create ${guarded.id}`)).toContain(`complete ${first.id}`);
    expect(inOrder(circle)).toHaveLength(circle.length);
  });

  test('send a server\'s disk before all else, and do not wait for the image it was once made from', () => {
    expect(steps.find(({ id }) => id === `prepare ${server.id}`)!.after).toEqual([]);
    expect(before(steps, `create ${server.id}`)).toContain(`create ${image.id}`);
    expect(before(stepsOf([server, image, port, subnet, net], new Set([server.id])), `create ${server.id}`)).not.toContain(`create ${image.id}`);
  });

  test('never wait for each other in a circle, and put each document after what it needs', () => {
    fc.assert(
      fc.property(tenants, (documents) => {
        const all = stepsOf(documents);
        const order = inOrder(all).map(({ id }) => id);
        expect(new Set(order)).toEqual(new Set(all.map(({ id }) => id)));
        const place = new Map(order.map((id, at) => [id, at]));
        for (const each of documents) {
          const own = place.get(`create ${each.id}`)!;
          for (const id of targets(each, kindOf(each.kind)!.late)) expect(place.get(`create ${id}`)).toBeLessThan(own);
          for (const id of kindOf(each.kind)!.needs?.(each, documents) ?? []) expect(place.get(`create ${id}`)).toBeLessThan(own);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('that do so all the same, in a bundle made so, are told as a fault of the bundle', () => {
    const [x, y] = [document('volume', 'x', { name: 'x' }), document('volume', 'y', { name: 'y' })];
    const circle = [{ ...x, params: { other: y.id }, refs: { '/other': 'volume' } }, { ...y, params: { other: x.id }, refs: { '/other': 'volume' } }];
    expect(() => inOrder(stepsOf(circle))).toThrow(expect.objectContaining({ code: 'vault' }));
  });

  test('of thousands of servers are found in seconds', () => {
    const ports = Array.from({ length: 4_000 }, (_, at) => document('port', `p${at}`, { name: '', network_id: net.id, fixed_ips: [{ subnet_id: subnet.id, ip_address: `10.0.${at >> 8}.${at & 255}` }], security_groups: [] }));
    const servers = ports.map(({ id }, at) => document('server', `s${at}`, { name: '', networks: [{ port: id }], volumes: [] }));
    const started = performance.now();
    expect(inOrder(stepsOf([net, subnet, router, ...ports, ...servers])).filter(({ what }) => what === 'create')).toHaveLength(3 + ports.length + servers.length);
    expect(performance.now() - started).toBeLessThan(40_000);
  });
});
