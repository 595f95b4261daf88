/** What an export or import creates on a cloud for a while: registered before use, removed in every case. */
export interface Temporaries {
  /** A name by which `baluchon cleanup` knows its own: `baluchon-tmp-<run>-<what>`. */
  name(what: string): string;
  /** To be called as soon as the id is known. */
  add(type: 'image' | 'volume' | 'snapshot', id: string): void;
  /** Removes it and waits until it is gone; harmless when it is gone already. */
  remove(type: 'image' | 'volume' | 'snapshot', id: string): Promise<void>;
  /** Removes all that is left. Called at the end of every run, however it ends. */
  removeAll(): Promise<void>;
}
