import { BaluchonError } from '../errors.ts';
import type { OpenOptions } from '../vault/types.ts';
import type { Context } from './context.ts';

/** Collects what a damaged bundle has lost, for after the command has done what it could. */
export function salvaging(context: Context): { told: NonNullable<OpenOptions['salvage']>; end(): void } {
  const problems: string[] = [];
  const lost = new Map<string, { offset: number; length: number }[]>();
  return {
    told(what) {
      if ('problem' in what) {
        problems.push(what.problem);
        context.emit({ type: 'warning', message: `passed over: ${what.problem}` });
        return;
      }
      const { disk, offset, length } = what;
      const ranges = lost.get(disk) ?? [];
      const last = ranges.at(-1);
      if (last && last.offset + last.length === offset) last.length += length;
      else ranges.push({ offset, length });
      lost.set(disk, ranges);
    },
    /** @throws vault, naming what is lost. */
    end() {
      const lines = [...lost].map(([disk, ranges]) => {
        const shown = ranges.slice(0, 8).map(({ offset, length }) => `${offset}-${offset + length - 1}`);
        return `disk ${disk}: bytes ${shown.join(', ')}${ranges.length > shown.length ? ` and ${ranges.length - shown.length} more ranges` : ''} are lost and read as zeros`;
      });
      const [first, ...more] = [...problems, ...lines];
      if (first !== undefined) throw new BaluchonError('vault', [first, ...more].join('\n'), { hint: 'all else is as it was; baluchon verify --read-data says which bundles are whole' });
    },
  };
}
