/** What a document may grow to through its aliases, in values and characters, whatever its own size. */
const always = 16_000_000;
/** And so many times its own size. */
const times = 4;

/**
 * Whether a document whose parts refer to each other would grow out of all proportion when it is written out: a few lines
 * of aliases of aliases ("billion laughs") name more values than any memory holds.
 *
 * @param size the characters of its text
 */
export function isBomb(value: unknown, size: number): boolean {
  const limit = Math.max(always, times * size);
  const weights = new Map<object, number>();
  const weigh = (part: unknown): number => {
    if (typeof part === 'string') return part.length + 1;
    if (typeof part !== 'object' || part === null) return 1;
    const known = weights.get(part);
    if (known !== undefined) return known;
    // A cycle weighs nothing here: writing it out is refused anyway.
    weights.set(part, 0);
    let weight = 1;
    for (const [name, member] of Object.entries(part)) {
      weight += name.length + weigh(member);
      if (weight > limit) break;
    }
    weights.set(part, weight);
    return weight;
  };
  return weigh(value) > limit;
}
