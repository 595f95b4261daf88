import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plain } from '../../src/report/look.ts';
import { treeText } from '../../src/report/tree.ts';
import { noun } from '../../src/report/units.ts';
import { displayWidth } from '../../src/report/width.ts';
import type { Document } from '../../src/tenant/document.ts';
import { disks, documents, info } from './miop.ts';

const at = (width: number): string => treeText({ info, documents, disks }, { ...plain, width });

describe('the topology of a bundle', () => {
  test('reads as a tree: networks, subnets, what is connected, its disks and addresses; then the rest by kind', async () => {
    await expect(at(100)).toMatchFileSnapshot('tree.txt');
  });

  test('never draws a line longer than the terminal is wide', () => {
    for (const width of [60, 80, 120]) {
      for (const line of at(width).split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
    }
  });

  test('tells two servers of one name apart, by the beginning of their ids', () => {
    const names = [...at(100).matchAll(/server (mysql \[\w+\])/g)].map(([, name]) => name);
    expect(new Set(names).size).toBe(2);
  });

  test('shows every document once in full, kinds of later versions too, whatever refers to whatever', () => {
    const kinds = ['network', 'subnet', 'port', 'server', 'volume', 'floating-ip', 'router', 'from-the-future'];
    const graph = fc.array(fc.record({ kind: fc.constantFrom(...kinds), links: fc.array(fc.nat(11), { maxLength: 4 }) }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(graph, (nodes) => {
        const ids = nodes.map(({ kind }, index) => `${kind}-${String(index).padStart(12, '0')}`);
        const made = nodes.map(({ kind, links }, index): Document => {
          const targets = links.flatMap((link) => (ids[link] === undefined ? [] : [{ id: ids[link], kind: nodes[link]?.kind ?? '' }]));
          return {
            kind,
            id: ids[index] ?? '',
            name: `<${index}>`,
            params: { links: targets.map(({ id }) => id) },
            refs: Object.fromEntries(targets.map(({ kind }, link) => [`/links/${link}`, kind])),
            info: {},
          };
        });
        const lines = treeText({ documents: made, disks: [] }, plain).split('\n');
        for (const { name, kind } of made) {
          const own = lines.filter((line) => new RegExp(`^[ │├└─]*${noun(kind)} ${name}($|  )`).test(line));
          expect(own.filter((line) => !line.endsWith('see above'))).toHaveLength(1);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('says of something that is referred to and could not be read why it is not there', () => {
    const missing: Document = { kind: 'image', id: 'image-000000000001', name: 'gone', params: {}, refs: {}, info: { missing: 'deleted on the cloud' } };
    expect(treeText({ documents: [missing], disks: [] }, plain)).toBe('image gone  not in the bundle: deleted on the cloud\n');
  });
});
