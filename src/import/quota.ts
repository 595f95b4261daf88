import type { Document } from '../tenant/document.ts';
import type { Decision } from './decide.ts';
import type { Inventory, QuotaLine } from './types.ts';

const COUNTED: Record<string, string> = {
  server: 'servers',
  volume: 'volumes',
  network: 'networks',
  subnet: 'subnets',
  router: 'routers',
  port: 'ports',
  'floating-ip': 'floating addresses',
  'security-group': 'security groups',
  'server-group': 'server groups',
};
const UNITS: Record<string, 'GiB' | 'MiB'> = { ram: 'MiB', 'volume storage': 'GiB' };

/** What the documents to be created take of the project's quota, and whether it fits. Sizes are those of the target's flavors. */
export function quotaLines(decisions: readonly Decision[], offers: ReadonlyMap<string, Document>, { quota }: Inventory): QuotaLine[] {
  const needed = new Map<string, number>();
  const need = (resource: string, amount: number) => needed.set(resource, (needed.get(resource) ?? 0) + amount);
  for (const { document, action } of decisions) {
    if (action !== 'create') continue;
    const resource = COUNTED[document.kind];
    if (resource) need(resource, 1);
    const { params } = document;
    if (document.kind === 'server') {
      const flavor = offers.get(params.flavor as string)?.params;
      need('vcpus', (flavor?.vcpus as number) ?? 0);
      need('ram', (flavor?.ram as number) ?? 0);
    }
    if (document.kind === 'volume') need('volume storage', params.size as number);
    // One port for the DHCP server and one for each interface of a router count as well.
    if (document.kind === 'subnet' && params.enable_dhcp) need('ports', 1);
    if (document.kind === 'router') need('ports', ((params.interfaces ?? []) as unknown[]).length);
    if (document.kind === 'security-group') need('security group rules', Math.max(2, ((params.rules ?? []) as unknown[]).length));
  }
  return [...needed].flatMap(([resource, amount]) => {
    const line = quota[resource];
    if (!line) return [];
    const free = line.limit < 0 ? Infinity : Math.max(0, line.limit - line.used);
    const unit = UNITS[resource];
    return [{ resource, needed: amount, free: Number.isFinite(free) ? free : -1, ...(unit && { unit }), fits: amount <= free }];
  });
}
