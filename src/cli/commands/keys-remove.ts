import { memberName } from '../../report/members.ts';
import type { Context } from '../context.ts';
import type { KeyOptions } from '../keys.ts';
import { withVault } from '../open.ts';

export async function run(context: Context, [name = '', ...who]: string[], options: KeyOptions): Promise<void> {
  await withVault(context, name, options, async ({ keys }) => {
    const { members: removed, leftovers } = await keys.remove(who);
    context.view.result({ format: 'baluchon-keys-remove/1', removed, leftovers, epoch: keys.epoch }, (look) =>
      [
        ...removed.map((member) => `${look.tone('good', 'Removed')} ${memberName(member, look)}.`),
        ...leftovers.map((file) => `${look.tone('good', 'Removed')} ${file}, which let in who was no member any more.`),
        ...(removed.length > 0 ? [`Epoch ${keys.epoch} has begun: what is exported from now on is sealed to a new key.`] : []),
        ...(removed.some(({ role }) => role === 'owner') ? [look.tone('warn', 'This protects what comes, not what was: an owner who is gone may have copied bundles, or the key that opens them.')] : []),
        ...(removed.some(({ role }) => role === 'writer') ? ['The bundles that a writer has made so far stay and count; later ones are refused.'] : []),
        '',
      ].join('\n'),
    );
  });
}
