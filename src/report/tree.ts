import type { DiskDocument, Document } from '../tenant/document.ts';
import type { BundleInfo } from '../vault/types.ts';
import { bundleName, contents } from './bundles.ts';
import { graphOf, reached, type Graph } from './graph.ts';
import type { Look } from './look.ts';
import { labels } from './names.ts';
import { safe } from './safe.ts';
import { bytes, noun, when } from './units.ts';
import { displayWidth, wrap } from './width.ts';
import { APPEARANCES, wordsOf } from './words.ts';

/** What a tree is drawn from; disks say what is held of each document's bytes. */
export interface Topology {
  info?: BundleInfo;
  documents: readonly Document[];
  disks: readonly (DiskDocument & { data_bytes?: number })[];
}

/** One line of the tree and what hangs under it. */
interface Node {
  kind: string;
  name: string;
  words: string[];
  children: Node[];
}

// The order in which sections and siblings are read.
const ORDER = ['network', 'subnet', 'router', 'server', 'port', 'floating-ip', 'volume', 'volume-snapshot', 'security-group', 'server-group', 'keypair', 'image', 'flavor'];

/** The project as a tree: networks, their subnets, what is connected to them with its disks and addresses; then the rest by kind. */
export function treeText(topology: Topology, look: Look): string {
  const roots = forest(topology);
  const sections = [...Map.groupBy(roots, (node) => node.kind)];
  const body = sections.map(([, nodes]) => nodes.flatMap((node) => draw(node, '', '', look)).join('\n'));
  return `${[...heading(topology, look), ...body].join('\n\n')}\n`;
}

function heading({ info, disks }: Topology, look: Look): string[] {
  if (info === undefined) return [];
  const { cloud, region, project } = info.source;
  const from = `${project.name} on ${cloud}${region === undefined ? '' : ` (${region})`}`;
  const data = disks.reduce((sum, disk) => sum + (disk.data_bytes ?? 0), 0);
  const held = disks.length === 0 ? 'no disks' : `${bytes(info.disk_bytes)} of disks, ${bytes(data)} of them data`;
  const about = `bundle ${bundleName(info)}, taken ${when(info.created)} UTC`;
  const lines = [look.tone('title', safe(from)), ...wrap(safe(about), look.width), ...wrap(safe(`${contents(info.counts)}; ${held}`), look.width)];
  return [[lines[0], ...lines.slice(1).map((line) => look.tone('faint', line))].join('\n')];
}

function forest({ documents, disks }: Topology): Node[] {
  const graph = graphOf(documents);
  const names = labels(documents);
  const places = placement(documents, graph);
  const disk = new Map(disks.map((entry) => [entry.id, entry]));
  const children = Map.groupBy(places, (place) => place.parent?.id ?? '');
  const build = ({ document, again }: Place): Node => {
    const held = disk.get(document.id);
    const size = held === undefined ? [] : [`disk ${bytes(held.size)}${held.data_bytes === undefined ? '' : `, ${bytes(held.data_bytes)} data`}`];
    return {
      kind: document.kind,
      name: names.get(document.id) ?? document.name,
      words: again ? ['see above'] : [...wordsOf(document, graph, names), ...size].filter((word) => word !== names.get(document.id)),
      children: again ? [] : (children.get(document.id) ?? []).map(build),
    };
  };
  return (children.get('') ?? []).map(build);
}

interface Place {
  document: Document;
  parent?: Document;
  /** Drawn in full elsewhere. */
  again: boolean;
}

const rank = (kind: string): number => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);
// Networks that have something of ours in them come before those that only lead outside.
const outside = (document: Document): number => (document.params['external'] === true ? 1 : 0);

/** Every document has one place in full, under the first parent its kind hangs under, and a short line under each further one. */
function placement(documents: readonly Document[], graph: Graph): Place[] {
  const sorted = [...documents].sort((a, b) => rank(a.kind) - rank(b.kind) || a.kind.localeCompare(b.kind) || outside(a) - outside(b) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
  const parents = new Map<string, Document>();
  return sorted.flatMap((document): Place[] => {
    const paths = APPEARANCES[document.kind]?.under ?? [];
    const found = paths.map((path) => reached(graph, document, path)).find((ends) => ends.length > 0) ?? [];
    const [first, ...others] = found.filter((parent) => !above(parents, parent).includes(document));
    if (first === undefined) return [{ document, again: false }];
    parents.set(document.id, first);
    return [{ document, parent: first, again: false }, ...others.map((parent) => ({ document, parent, again: true }))];
  });
}

function above(parents: ReadonlyMap<string, Document>, document: Document): Document[] {
  const chain: Document[] = [];
  for (let at: Document | undefined = document; at !== undefined; at = parents.get(at.id)) chain.push(at);
  return chain;
}

function draw(node: Node, lead: string, below: string, look: Look): string[] {
  const kind = noun(node.kind);
  const name = safe(node.name);
  // Folded between items, not inside them.
  const words = node.words.map((word) => safe(word).replaceAll(' ', '\u00a0')).join('; ');
  const start = `${look.tone('faint', lead)}${look.tone('faint', kind)} ${look.tone('title', name)}`;
  const used = displayWidth(lead) + displayWidth(kind) + 1 + displayWidth(name) + 2;
  const hang = below + (node.children.length > 0 ? '│   ' : '    ');
  const lines = fold(words, look.width - used, look.width - displayWidth(hang));
  const own = lines.map((line) => line.replaceAll('\u00a0', ' ')).map((line, at) => (at === 0 ? (line === '' ? start : `${start}  ${line}`) : `${look.tone('faint', hang)}${line}`));
  const last = node.children.length - 1;
  return [...own, ...node.children.flatMap((child, at) => draw(child, `${below}${at === last ? '└─ ' : '├─ '}`, `${below}${at === last ? '   ' : '│  '}`, look))];
}

/** Wrapped text whose first line is shorter; when even the first word does not fit there, the first line is empty. */
function fold(text: string, first: number, rest: number): string[] {
  if (displayWidth(text) <= first) return [text];
  const [head = ''] = first < 12 ? [''] : wrap(text, first);
  const more = text.slice(head.length).trimStart();
  return more === '' ? [head] : [head, ...wrap(more, Math.max(20, rest))];
}
