import { release } from '../memory.ts';
import { noAnswer } from './bucket.ts';
import { larger, largest } from './names.ts';
import type { Place } from './place.ts';
import type { Room } from './store.ts';

/** The body of an answer on its way in, part by part. */
export interface Body {
  /** @throws `vault` when it is more than a file of a vault can be, announced or come: the request is to be ended */
  take(part: Buffer): void;
  /** What came, when all has come. @throws `network` when it is not what was announced */
  bytes(): Buffer;
}

/**
 * Takes parts into one memory and gives theirs back: kept until the end, they are as much again, and the collector's to find.
 * @param doing what was asked for, in a message: `get packs/ab/x`
 * @param told the answer's content-length, in bytes; without it parts are kept
 * @param room gives the memory
 */
export function incoming(place: Place, doing: string, told?: string, room: Room = Buffer.allocUnsafeSlow): Body {
  const length = told === undefined ? undefined : Number(told);
  const parts: Buffer[] = [];
  let whole: Buffer | undefined;
  let got = 0;
  return {
    take(part) {
      const at = got;
      got += part.length;
      // A byte more than there can be is asked for, see rangeHeader.
      if (Math.max(got, length ?? 0) > largest + 1) throw larger(place.name, doing.replace(`get ${place.prefix}`, ''));
      if (length === undefined) return void parts.push(part);
      // More than was announced is found out at the end.
      if (got > length) return;
      whole ??= room(length).subarray(0, length);
      whole.set(part, at);
      release(part);
    },
    bytes() {
      if (length !== undefined && got !== length) throw noAnswer(place, doing, new Error(`cut off after ${got} of ${length} bytes`));
      return whole ?? Buffer.concat(parts);
    },
  };
}
