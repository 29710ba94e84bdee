/** The fewest prefixes that cover the same keys: one that starts with another adds nothing. Sorted, each once. */
export function coverOf(prefixes: readonly string[]): string[] {
  const cover: string[] = [];
  // Sorted, a prefix comes right before everything that starts with it.
  for (const prefix of [...new Set(prefixes)].sort()) {
    const last = cover.at(-1);
    if (last === undefined || !prefix.startsWith(last)) cover.push(prefix);
  }
  return cover;
}

/** Whether a key (or a narrower prefix) lies under one of the prefixes: raw string prefixes, no path rules. */
export function isUnder(key: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (key.startsWith(prefix)) return true;
  return false;
}
