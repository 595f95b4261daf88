/** What a stretch of text is, for those who can show it. */
export type Tone = 'title' | 'faint' | 'good' | 'warn' | 'bad' | 'link';

/** How a report may look: on a terminal or in a file. */
export interface Look {
  /** Columns; Infinity where nothing needs to be folded. */
  readonly width: number;
  tone(tone: Tone, text: string): string;
}

export const plain: Look = { width: Infinity, tone: (_, text) => text };
