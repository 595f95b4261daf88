import type { Document, Json, JsonObject } from '../tenant/document.ts';
import type { Graph } from './graph.ts';
import { noun } from './units.ts';

/** How one kind appears in the topology; a kind without an entry stands in a section of its own, with its references named. */
interface Appearance {
  /**
   * Where it hangs: the first path of kinds that leads anywhere (references followed either way); its last document
   * is the parent. Further ones get a line that points back.
   */
  under?: readonly (readonly string[])[];
  /** A few words: sizes, addresses. */
  words?(params: JsonObject, document: Document, graph: Graph): (string | undefined)[];
  /** References worth naming on the line, by kind, with the word before the name. */
  names?: Readonly<Record<string, string>>;
}

const text = (value: Json | undefined): string | undefined => (value === null || value === undefined || value === '' ? undefined : String(value));
const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const object = (value: Json | undefined): JsonObject => (value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {});
const after = (word: string, value: Json | undefined): string | undefined => (text(value) === undefined ? undefined : `${word} ${text(value)}`);
const counted = (values: Json[], word: string): string | undefined => (values.length > 0 ? `${word} ${values.map((value) => text(value) ?? '').join(' ')}` : undefined);

export const APPEARANCES: Readonly<Record<string, Appearance>> = {
  network: { words: (params) => [params['external'] === true ? 'external' : params['shared'] === true ? 'shared' : undefined, after('mtu', params['mtu'])] },
  subnet: {
    under: [['network']],
    words: (params) => [text(params['cidr']), after('gateway', params['gateway_ip']), counted(list(params['dns_nameservers']), 'dns'), params['enable_dhcp'] === false ? 'no dhcp' : undefined],
  },
  router: { under: [['subnet']], names: { network: 'gateway' }, words: (params) => [counted(list(params['routes']).map((route) => object(route)['destination'] ?? ''), 'routes')] },
  server: {
    under: [['port', 'subnet'], ['port', 'network'], ['network']],
    names: { image: 'image', keypair: 'key', 'server-group': 'group' },
    words: (params, document, graph) => [
      params['running'] === false ? 'stopped' : undefined,
      ...graph.from(document.id).filter((link) => link.document.kind === 'flavor').map((link) => flavorWords(link.document)),
    ],
  },
  port: {
    under: [['server'], ['subnet'], ['network']],
    names: { 'security-group': 'in' },
    words: (params) => [
      list(params['fixed_ips']).map((entry) => text(object(entry)['ip_address'])).filter((address) => address !== undefined).join(' '),
      text(params['mac_address']),
      counted(list(params['allowed_address_pairs']).map((pair) => object(pair)['ip_address'] ?? ''), 'also'),
      params['port_security_enabled'] === false ? 'no port security' : undefined,
    ],
  },
  'floating-ip': { under: [['port'], ['network']], words: (params) => [text(params['description'])] },
  volume: {
    under: [['server']],
    words: (params, document) => [gib(params['size']), device(document), text(params['volume_type']), params['bootable'] === true ? 'bootable' : undefined],
  },
  'volume-snapshot': { under: [['volume']], words: (params) => [gib(params['size']), text(params['description'])] },
  'security-group': { words: (params, document, graph) => list(params['rules']).map((rule) => ruleWords(object(rule), document, graph)) },
  'server-group': { words: (params) => [text(params['policy'])] },
  image: { words: (params) => [text(params['visibility']), params['min_disk'] === 0 ? undefined : after('min disk', gib(params['min_disk']))] },
  flavor: { words: (params) => [sizes(params)] },
  keypair: { words: (params, document) => [text(document.info['fingerprint']) ?? text(params['fingerprint']), text(params['type'])] },
};

/** All the words of a document's line, its own and the references it names. */
export function wordsOf(document: Document, graph: Graph, labels: ReadonlyMap<string, string>): string[] {
  // Referred to by something of the project's, and not to be had: there is nothing more to say of it.
  const { missing } = document.info;
  if (missing !== undefined) return [`not in the bundle: ${text(missing)}`];
  const appearance = APPEARANCES[document.kind];
  const own = appearance?.words?.(document.params, document, graph) ?? [];
  const named = new Map<string, Set<string>>();
  for (const { document: target } of graph.from(document.id)) {
    const word = appearance === undefined ? noun(target.kind) : appearance.names?.[target.kind];
    if (word !== undefined) named.set(word, (named.get(word) ?? new Set()).add(labels.get(target.id) ?? target.name));
  }
  return [...own.filter((word): word is string => word !== undefined && word !== ''), ...[...named].map(([word, names]) => `${word} ${[...names].join(', ')}`)];
}

const gib = (value: Json | undefined): string | undefined => (typeof value === 'number' ? `${value} GiB` : undefined);

function sizes(params: JsonObject): string {
  return `${text(params['vcpus']) ?? '?'} vCPU, ${text(params['ram']) ?? '?'} MiB, ${text(params['disk']) ?? '?'} GiB`;
}

function flavorWords(document: Document): string {
  return `${document.name} (${sizes(document.params)})`;
}

function device(document: Document): string | undefined {
  const [first] = list(document.info['attached_to']);
  return text(object(first)['device']);
}

/** `in tcp 3306 from web`, `out any`. The rules every group is born with are not worth a word. */
function ruleWords(rule: JsonObject, group: Document, graph: Graph): string | undefined {
  const protocol = text(rule['protocol']);
  const remote = text(rule['remote_group_id']);
  const prefix = text(rule['remote_ip_prefix']);
  if (rule['direction'] === 'egress' && protocol === undefined && remote === undefined && prefix === undefined) return undefined;
  const [low, high] = [text(rule['port_range_min']), text(rule['port_range_max'])];
  const ports = low === undefined ? undefined : low === high || high === undefined ? low : `${low}-${high}`;
  const anywhere = remote === undefined && (prefix === undefined || prefix === '0.0.0.0/0' || prefix === '::/0');
  const peer = anywhere ? 'anywhere' : remote === undefined ? prefix : remote === group.id ? 'itself' : (graph.documents.get(remote)?.name ?? remote);
  const [way, peerWord] = rule['direction'] === 'egress' ? ['out', 'to'] : ['in', 'from'];
  return [way, rule['ethertype'] === 'IPv6' ? 'IPv6' : undefined, protocol ?? 'any', ports, peerWord, peer].filter((word) => word !== undefined).join(' ');
}
