/** Keeps the results of the last `limit` keys asked for, a pending one counted; a failed one is asked for again. */
export function recent<T>(limit: number, load: (key: number) => Promise<T>): (key: number) => Promise<T> {
  const kept = new Map<number, Promise<T>>();
  return (key) => {
    const found = kept.get(key) ?? load(key);
    // Maps keep the order of insertion: the first key is the one not asked for the longest.
    kept.delete(key);
    kept.set(key, found);
    found.catch(() => kept.get(key) === found && kept.delete(key));
    for (const oldest of kept.keys()) {
      if (kept.size <= limit) break;
      kept.delete(oldest);
    }
    return found;
  };
}
