/**
 * The word that was most likely meant: the same but for case and for what parts its words (`dialTimeout`, `dial_timeout`
 * for `dial-timeout`), else one that is at most two keystrokes away.
 */
export function closest(word: string, words: readonly string[]): string | undefined {
  const bare = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const same = words.find((each) => bare(each) === bare(word));
  if (same !== undefined) return same;
  const ranked = words.map((each) => ({ each, steps: distance(word.toLowerCase(), each) }));
  ranked.sort((a, b) => a.steps - b.steps);
  const best = ranked[0];
  return best !== undefined && best.steps <= Math.min(2, word.length - 1) ? best.each : undefined;
}

/** Keystrokes from one text to the other: a letter more, less, or another one. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
