import { expect, test } from 'vitest';
import { bundlesText, contents } from '../../src/report/bundles.ts';
import { diffText } from '../../src/report/diff.ts';
import { plain } from '../../src/report/look.ts';
import { info } from './miop.ts';

const sides = { left: './vault', right: 'cloud:beta' };

test('a list of bundles tells when, whose, how large and what', () => {
  expect(bundlesText([info], plain)).toBe(
    [
      'bundle    taken (UTC)       project@cloud  disks   added  holds',
      '3f2a9c01  2026-11-21 12:31  miop@alpha     2 GiB  21 MiB  3 servers, 2 volumes, 2 networks, 2 floating IPs',
      '',
      '1 bundle, 21 MiB added in all.',
      '',
    ].join('\n'),
  );
});

test('a vault without bundles says so', () => {
  expect(bundlesText([], plain)).toBe('No bundle yet.\n');
});

test('what a bundle holds begins with what people count first', () => {
  expect(contents({ keypair: 1, network: 1, server: 2, flavor: 0 })).toBe('2 servers, 1 network, 1 keypair');
});

test('a diff tells resources that are on one side only, and attributes that differ', () => {
  const text = diffText(
    [
      { kind: 'server', name: 'php-1', left: 'a', right: 'b', attribute: '/metadata/role', from: 'web', to: 'www' },
      { kind: 'server', name: 'php-1', left: 'a', right: 'b', attribute: '/tags', from: ['x'], to: [] },
      { kind: 'volume', name: 'old\u001b[2J', left: 'c' },
      { kind: 'port', name: '', right: 'd' },
    ],
    sides,
    plain,
  );
  expect(text).toBe(
    [
      '~ server php-1',
      '    /metadata/role  "web" -> "www"',
      '    /tags           ["x"] -> []',
      String.raw`- volume old\x1b[2J`,
      '+ port (no name)',
      '',
      'Differences: 1 different, 1 only in ./vault, 1 only in cloud:beta.',
      '',
    ].join('\n'),
  );
});

test('a diff without differences says so', () => {
  expect(diffText([], sides, plain)).toBe('No difference between ./vault and cloud:beta.\n');
});
