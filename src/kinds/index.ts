import { flavor } from './flavor.ts';
import { floatingIp } from './floating-ip.ts';
import { image } from './image.ts';
import { keypair } from './keypair.ts';
import type { Kind } from './kind.ts';
import { network } from './network.ts';
import { port } from './port.ts';
import { router } from './router.ts';
import { securityGroup } from './security-group.ts';
import { serverGroup } from './server-group.ts';
import { server } from './server.ts';
import { subnet } from './subnet.ts';
import { volumeSnapshot } from './volume-snapshot.ts';
import { volume } from './volume.ts';
import type { DiffRules } from '../tenant/diff.ts';
import type { Document } from '../tenant/document.ts';

/** All kinds, in the order in which a person thinks of them: what the rest stands on first. */
export const kinds: readonly Kind[] = [
  keypair, flavor, network, subnet, router, securityGroup, port, floatingIp, image, volume, volumeSnapshot, serverGroup, server,
];

const byName = new Map(kinds.map((kind) => [kind.name, kind]));

/** Undefined for a kind that a later version wrote: its documents are carried along untouched. */
export const kindOf = (name: string): Kind | undefined => byName.get(name);

/** True for a document that stands for one of the cloud's own (flavor, external network, public image). */
export const isForeign = (document: Document): boolean =>
  isMissing(document) || (kindOf(document.kind)?.foreign?.(document) ?? false);

/** Why something that is referred to is not in the bundle itself; such documents have a name at most. */
export const isMissing = (document: Document): boolean => document.info.missing !== undefined;

/** What the diff and the matching of two tenants have to know of kinds. */
export const diffRules: DiffRules = {
  foreign: isForeign,
  ignored: (kind) => kindOf(kind)?.origin ?? [],
  label: (document) => (kindOf(document.kind)?.namedByCloud ? '' : document.name),
};
