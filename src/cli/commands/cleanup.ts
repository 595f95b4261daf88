import { BaluchonError } from '../../errors.ts';
import { table } from '../../report/table.ts';
import { count } from '../../report/units.ts';
import type { Context } from '../context.ts';
import { withCloud, type CloudOptions } from '../open.ts';

interface Options extends CloudOptions {
  yes?: boolean;
  json?: boolean;
  dryRun?: boolean;
}

export async function run(context: Context, _: string[], options: Options): Promise<void> {
  const asks = options.yes !== true && options.dryRun !== true;
  if (asks && (!context.terminal.interactive || options.json === true)) {
    throw new BaluchonError('usage', 'cleanup asks before it removes anything, and there is no terminal to ask on', { hint: 'look with --dry-run, then give --yes' });
  }
  await withCloud(context, options, async (cloud) => {
    const { findTemporaries, removeTemporary } = await import('../../kinds/temporary.ts');
    const found = await findTemporaries(cloud);
    const data = { format: 'baluchon-cleanup/1', cloud: cloud.name, dry_run: options.dryRun === true };
    const where = `${cloud.name}, project ${cloud.project.name}`;
    if (found.length === 0) {
      context.view.result({ ...data, temporaries: [] }, () => `Nothing temporary is left on ${where}.\n`);
      return;
    }
    const rows = found.map((temporary) => [temporary.type, temporary.name, { text: temporary.id, tone: 'faint' as const }]);
    if (options.dryRun === true) {
      context.view.result({ ...data, temporaries: found }, (look) => `${[...table([{}, {}, {}], rows, look), '', `${count(found.length, 'temporary resource')} on ${where}.`].join('\n')}\n`);
      return;
    }
    context.view.aside((look) => `${table([{}, {}, {}], rows, look).join('\n')}\n`);
    if (asks && !(await context.terminal.confirm(`Remove these from ${where}?`))) throw new BaluchonError('interrupted', 'not confirmed, nothing was removed');
    for (const [at, temporary] of found.entries()) {
      context.signal.throwIfAborted();
      context.emit({ type: 'start', id: temporary.id, what: `${temporary.type} ${temporary.name}` });
      await removeTemporary(cloud, temporary);
      context.emit({ type: 'end', id: temporary.id, what: `${temporary.type} ${temporary.name}`, outcome: 'done', detail: `${at + 1} of ${found.length}` });
    }
    context.view.result({ ...data, temporaries: found }, (look) => `${look.tone('good', 'Removed')} ${count(found.length, 'temporary resource')} from ${where}.\n`);
  });
}
