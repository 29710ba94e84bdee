import { endOf, isItem, type Layout, nextItem } from './yamlItems.ts';

/** Old items that stay, or new text in place of them. */
export type Part =
  | { readonly kept: true; readonly from: number; readonly to: number; readonly at: number }
  | { readonly kept: false; readonly starts: readonly number[]; readonly end: number };

/** Where a change begins, one of so many old items is looked for among so many new ones. */
const window = 256;
/** Bytes that are compared at once. */
const block = 1 << 16;

/**
 * Which items of a text are the same in the next version of it, in order. `undefined`: it is laid out another way now.
 *
 * @returns the parts of the new text one after another: `kept` are old items (by index), which start at `at` now
 */
export function align(before: Buffer, layout: Layout, after: Buffer): Part[] | undefined {
  const { starts, indent } = layout;
  const end = endOf(after);
  const parts: Part[] = [];
  const startOf = (item: number): number => starts[item] ?? layout.end;
  const suffix = commonSuffix(before.subarray(0, layout.end), after.subarray(0, end));

  /** The same item far behind: after a large deletion. A search through all that is left, so it is not made often. */
  const itemLike = (text: Buffer, from: number): number | undefined => {
    const offset = before.indexOf(text, startOf(Math.min(starts.length, from + window)));
    if (offset === -1) return undefined;
    const old = lastAt(starts, offset, from);
    return starts[old] === offset && startOf(old + 1) === offset + text.length ? old : undefined;
  };

  if (commonPrefix(before, 0, after, 0) < starts[0]! || !isItem(after, starts[0]!, indent)) return undefined;
  let item = 0;
  let at: number = starts[0]!;
  while (at < end || item < starts.length) {
    // As far as both are the same.
    const same = Math.min(commonPrefix(before, startOf(item), after, at), layout.end - startOf(item), end - at);
    let next = lastAt(starts, startOf(item) + same, item);
    const whole = startOf(item) + same === layout.end && at + same === end;
    if (whole) next = starts.length;
    // The last one is the same only where another one, or the end, follows here too.
    while (!whole && next > item && !isEdge(after, at + startOf(next) - startOf(item), indent, end)) next--;
    if (next > item) {
      parts.push({ kept: true, from: item, to: next, at });
      at += startOf(next) - startOf(item);
      item = next;
      continue;
    }

    // A change: up to where an old item is found again, or to where both texts end alike.
    const until = firstAt(starts, Math.max(layout.end - suffix, layout.end - (end - at)), item);
    const stop = end - (layout.end - startOf(until));
    const known = new Map<string, number>();
    for (let old = item; old < Math.min(starts.length, item + window); old++)
      known.set(before.toString('latin1', startOf(old), startOf(old + 1)), old);
    const changed: number[] = [];
    let found: number | undefined;
    let line = at;
    let following = at;
    while (line < stop) {
      const next = nextItem(after, lineBehind(after, line), indent, end);
      if (next === undefined) return undefined;
      following = next;
      if (changed.length < window) found = known.get(after.toString('latin1', line, following));
      else if (Number.isInteger(Math.log2(changed.length))) found = itemLike(after.subarray(line, following), item);
      if (found !== undefined) break;
      changed.push(line);
      line = following;
    }
    if (found === undefined && line !== stop) return undefined;
    parts.push({ kept: false, starts: changed, end: line });
    item = until;
    at = line;
    if (found === undefined) continue;
    parts.push({ kept: true, from: found, to: found + 1, at });
    item = found + 1;
    at = following;
  }
  return parts;
}

function lineBehind(bytes: Buffer, line: number): number {
  const end = bytes.indexOf(0x0a, line);
  return end === -1 ? bytes.length : end + 1;
}

function isEdge(bytes: Buffer, at: number, indent: number, end: number): boolean {
  return at === end || isItem(bytes, at, indent);
}

/** The last item that starts at an offset or before it. */
function lastAt(starts: Uint32Array, offset: number, from: number): number {
  let low = from;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle;
  }
  return low;
}

/** The first item that starts at an offset or behind it. */
function firstAt(starts: Uint32Array, offset: number, from: number): number {
  if ((starts[from] ?? Infinity) >= offset) return from;
  const last = lastAt(starts, offset, from);
  return starts[last] === offset ? last : last + 1;
}

/** How many bytes are the same from two offsets on. */
export function commonPrefix(a: Buffer, aStart: number, b: Buffer, bStart: number): number {
  const length = Math.min(a.length - aStart, b.length - bStart);
  let at = 0;
  for (let size = block; at < length; ) {
    const part = Math.min(size, length - at);
    const same = a.compare(b, bStart + at, bStart + at + part, aStart + at, aStart + at + part) === 0;
    if (same) at += part;
    else if (part <= 16) break;
    else size = part >>> 1;
  }
  while (at < length && a[aStart + at] === b[bStart + at]) at++;
  return at;
}

/** How many bytes are the same at the end of both. */
function commonSuffix(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  let same = 0;
  for (let size = block; same < length; ) {
    const part = Math.min(size, length - same);
    const [aEnd, bEnd] = [a.length - same, b.length - same];
    if (a.compare(b, bEnd - part, bEnd, aEnd - part, aEnd) === 0) same += part;
    else if (part <= 16) break;
    else size = part >>> 1;
  }
  while (same < length && a[a.length - 1 - same] === b[b.length - 1 - same]) same++;
  return same;
}
