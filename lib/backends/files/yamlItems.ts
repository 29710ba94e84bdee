const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const hash = 0x23;
const dash = 0x2d;

/**
 * Where the items of `data` stand in a YAML file that is nothing else: each starts a line at the same column with `- `, and
 * all lines between are further in. Where that is so, an item can be parsed by itself: what stands further out ends whatever
 * is open in it, and where that is not allowed, a parser says so.
 */
export interface Layout {
  /** The column of the dashes. */
  readonly indent: number;
  /** The offset of the line of each item; at least one. */
  readonly starts: Uint32Array;
  /** Behind the last item. */
  readonly end: number;
}

/** `undefined`: it is not laid out so. Comments, blank lines, `---` before and `...` behind it do not count. */
export function layoutOf(bytes: Uint8Array): Layout | undefined {
  const end = endOf(bytes);
  const first = firstItem(bytes, end);
  if (first === undefined) return undefined;
  const indent = contentOf(bytes, first) - first;
  const starts: number[] = [];
  for (let line = first; line < end; line = nextLine(bytes, line)) {
    const kind = kindOf(bytes, line, indent);
    if (kind === 'other') return undefined;
    if (kind === 'item') starts.push(line);
  }
  return { indent, starts: Uint32Array.from(starts), end };
}

/** The next line from `line` on that starts an item, or the end; `undefined` where the layout is not kept up to there. */
export function nextItem(bytes: Uint8Array, line: number, indent: number, end: number): number | undefined {
  for (let at = line; at < end; at = nextLine(bytes, at)) {
    const kind = kindOf(bytes, at, indent);
    if (kind === 'other') return undefined;
    if (kind === 'item') return at;
  }
  return end;
}

/** Whether a line starts an item. */
export function isItem(bytes: Uint8Array, line: number, indent: number): boolean {
  return (line === 0 || bytes[line - 1] === newline) && kindOf(bytes, line, indent) === 'item';
}

/** Where the items end: at the end, or before a last line `...`. */
export function endOf(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && isBlank(bytes[end - 1])) end--;
  const line = bytes.lastIndexOf(newline, end - 1) + 1;
  const isMarker = end - line === 3 && bytes.subarray(line, end).every((byte) => byte === 0x2e);
  return isMarker ? line : bytes.length;
}

function isBlank(byte: number | undefined): boolean {
  return byte === newline || byte === carriageReturn || byte === space;
}

/** The line of the first item: behind a line `data:`, before which there is nothing that counts. */
function firstItem(bytes: Uint8Array, end: number): number | undefined {
  let seen = false;
  for (let line = 0; line < end; line = nextLine(bytes, line)) {
    const content = contentOf(bytes, line);
    const byte = bytes[content];
    if (byte === hash || byte === newline || byte === carriageReturn || content === end) continue;
    if (seen) return byte === dash ? line : undefined;
    const text = String.fromCharCode(...bytes.subarray(line, Math.min(nextLine(bytes, line), line + 100))).trimEnd();
    if (text === '---') continue;
    if (!/^data:\s*(#.*)?$/.test(text)) return undefined;
    seen = true;
  }
  return undefined;
}

function nextLine(bytes: Uint8Array, line: number): number {
  const end = bytes.indexOf(newline, line);
  return end === -1 ? bytes.length : end + 1;
}

/** The offset of the first character of a line that is no space. */
function contentOf(bytes: Uint8Array, line: number): number {
  let at = line;
  while (bytes[at] === space) at++;
  return at;
}

function kindOf(bytes: Uint8Array, line: number, indent: number): 'item' | 'inside' | 'other' {
  const content = contentOf(bytes, line);
  const byte = bytes[content];
  if (content - line > indent || byte === hash || byte === newline || byte === carriageReturn || byte === undefined)
    return 'inside';
  const next = bytes[content + 1];
  const isItem = byte === dash && (next === undefined || next === space || next === newline || next === carriageReturn);
  return isItem && content - line === indent ? 'item' : 'other';
}
