import { CORE_SCHEMA, dump } from 'js-yaml';
import type { Guess } from './mapping.ts';

const SECTIONS = ['flavors', 'networks', 'images', 'volume_types', 'availability_zones', 'keypairs', 'user_data'] as const;
const HEADS: Record<(typeof SECTIONS)[number], string> = {
  flavors: 'flavor of the bundle: flavor here, by name or id',
  networks: 'external or shared network of the bundle: network here',
  images: 'public image of the bundle: image here',
  volume_types: 'volume type of the bundle: volume type here',
  availability_zones: 'availability zone of the bundle: zone here',
  keypairs: 'keypair of the bundle: the name it gets, or one of yours that takes its place',
  user_data: 'server: file with its user_data, which most clouds do not show',
};

/** The guesses as a YAML file for a person to edit: each with its reason, those that are missing as comments. */
export function writeMapping({ mapping, comments }: Guess, title: string): string {
  const lines = [`# ${title}`];
  for (const section of SECTIONS) {
    lines.push('', `# ${HEADS[section]}`);
    const entries = Object.entries(mapping[section]);
    const open = Object.keys(comments).filter((key) => key.startsWith(`${section}.`) && !Object.hasOwn(mapping[section], key.slice(section.length + 1)));
    lines.push(entries.length > 0 ? `${section}:` : `${section}: {}`);
    for (const [from, to] of entries) {
      const why = comments[`${section}.${from}`];
      lines.push(`  ${pair(from, to)}${why ? `  # ${why}` : ''}`);
    }
    for (const key of open) lines.push(`  # ${pair(key.slice(section.length + 1), '?')}  # ${comments[key]}`);
  }
  for (const key of ['default_security_group', 'floating_ips'] as const) {
    lines.push('', `# ${key === 'floating_ips' ? 'new, reuse (unbound ones of the project first) or same' : (comments[key] ?? '')}`, `${key}: ${mapping[key]}`);
  }
  return `${lines.join('\n')}\n`;
}

const pair = (from: string, to: string) => dump({ [from]: to }, { schema: CORE_SCHEMA, lineWidth: -1 }).trimEnd();
