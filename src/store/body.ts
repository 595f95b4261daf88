import { release } from '../memory.ts';
import type { Room } from './store.ts';

/** The body of an answer on its way in, part by part. */
export interface Body {
  take(part: Buffer): void;
  /** Bytes so far, those beyond what was announced included. */
  readonly got: number;
  /** What came, when all has come. */
  bytes(): Buffer;
}

/**
 * Takes parts into one memory and gives theirs back: kept until the end, they are as much again, and the collector's to find.
 * @param length what the answer announced, in bytes; where it did not, parts are kept
 */
export function incoming(length: number | undefined, room: Room = Buffer.allocUnsafeSlow): Body {
  const whole = length === undefined ? undefined : room(length).subarray(0, length);
  const parts: Buffer[] = [];
  let got = 0;
  return {
    take(part) {
      const at = got;
      got += part.length;
      if (!whole) return void parts.push(part);
      // More than was announced is found out at the end.
      if (got > whole.length) return;
      whole.set(part, at);
      release(part);
    },
    get got() {
      return got;
    },
    bytes: () => whole ?? Buffer.concat(parts),
  };
}
