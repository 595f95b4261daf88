import type { Document } from '../tenant/document.ts';

/** Which routers lead to each subnet, found once for each list of documents: looked for by each port it would be its square. */
const known = new WeakMap<readonly Document[], { routers: Map<string, string[]>; ports: Map<string, Document> }>();

/** Ids of the routers that lead to the subnets of these ports. */
export function routersTo(portIds: readonly unknown[], all: readonly Document[]): string[] {
  let index = known.get(all);
  if (!index) {
    index = { routers: new Map(), ports: new Map() };
    known.set(all, index);
    for (const document of all) {
      if (document.kind === 'port') index.ports.set(document.id, document);
      if (document.kind !== 'router') continue;
      for (const subnet of subnetsOf(document.params.interfaces)) index.routers.set(subnet, [...(index.routers.get(subnet) ?? []), document.id]);
    }
  }
  const { routers, ports } = index;
  return [...new Set(portIds.flatMap((id) => subnetsOf(ports.get(id as string)?.params.fixed_ips).flatMap((subnet) => routers.get(subnet) ?? [])))];
}

const subnetsOf = (list: unknown): string[] => ((list ?? []) as { subnet_id?: string }[]).flatMap(({ subnet_id }) => subnet_id ?? []);
