import type { Member } from '../vault/types.ts';
import type { Look } from './look.ts';
import { safe } from './safe.ts';
import { table } from './table.ts';
import { count, when } from './units.ts';

/** How a member is spoken of: `owner passphrase-1`, `writer backup host <root@host> (...0123456789ABCDEF)`. */
export function memberName({ role, kind, name, label, fingerprint }: Member, look: Look): string {
  return `${role} ${look.tone('title', safe(kind === 'openpgp' ? `${label} (${fingerprint})` : name))}`;
}

/** Owners and writers, as a table. */
export function membersText({ root, epoch, members }: { root: string; epoch: number; members: readonly Member[] }, look: Look): string {
  const rows = members.map((member) => [
    member.removed === undefined ? member.role : { text: `${member.role}, removed`, tone: 'faint' as const },
    { text: member.name, tone: 'title' as const },
    when(member.added),
    member.kind === 'openpgp' ? member.label : '',
  ]);
  const owners = members.filter(({ role }) => role === 'owner').length;
  const writers = members.filter(({ role, removed }) => role === 'writer' && removed === undefined).length;
  return [
    ...table([{ title: 'role' }, { title: 'key' }, { title: 'since (UTC)' }, { title: 'of' }], rows, look),
    '',
    `${count(owners, 'owner')}, ${count(writers, 'writer')}; epoch ${epoch}; root ${root}.`,
    '',
  ].join('\n');
}
