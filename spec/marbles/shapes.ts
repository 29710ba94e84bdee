import { type Kind, type Placed, size } from './layout.ts';

const r = size.marble;

/** A number as short as it can be, always the same. */
export function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function textAt(x: number, y: number, text: string, className: string): string {
  return text === '' ? '' : `<text x="${n(x)}" y="${n(y)}" class="${className}">${escaped(text)}</text>`;
}

export type Role = 'snapshot' | 'put' | 'delete' | 'state' | 'signal' | 'rejected';

/** The colour of an outcome: well, badly, or neither. */
export function outcomeRole(outcome: string): Role {
  if (outcome === 'applied') return 'put';
  if (outcome === 'failed') return 'delete';
  return outcome === 'timedOut' ? 'rejected' : 'signal';
}

/** The shape, its letter and its signs, around a point. */
export function marble(placed: Pick<Placed, 'letter' | 'x' | 'kind' | 'outcome'>, y: number): string {
  const { x, kind, letter, outcome } = placed;
  const parts = [ring(kind, x, y), body(kind, x, y), textAt(x, y + 4.6, letter, 'letter')];
  const isMixed = kind.rejected && (kind.puts || kind.deletes || kind.shape === 'snapshot');
  if (isMixed) parts.push(badge(x, y, 'rejected', '?'));
  if (outcome !== undefined) parts.push(badge(x, y, outcomeRole(outcome), outcome));
  return `<g class="marble">${parts.join('')}</g>`;
}

function body({ shape, puts, deletes, rejected }: Kind, x: number, y: number): string {
  if (shape === 'snapshot') return square(x, y, r - 1, 3, 'snapshot');
  if (shape === 'state') return square(x, y, r - 1, 9, 'state');
  if (shape === 'signal') return `<path d="M${n(x)} ${n(y - r)}l${r} ${r}l${-r} ${r}l${-r} ${-r}z" class="signal"/>`;
  if (puts && deletes) return half(x, y, 0, 'put') + half(x, y, 1, 'delete');
  const role = deletes ? 'delete' : puts || !rejected ? 'put' : 'rejected';
  return `<circle cx="${n(x)}" cy="${n(y)}" r="${r}" class="${role}"/>`;
}

function square(x: number, y: number, half: number, corner: number, role: Role): string {
  return `<rect x="${n(x - half)}" y="${n(y - half)}" width="${2 * half}" height="${2 * half}" rx="${corner}" class="${role}"/>`;
}

function half(x: number, y: number, sweep: 0 | 1, role: Role): string {
  return `<path d="M${n(x)} ${n(y - r)}A${r} ${r} 0 0 ${sweep} ${n(x)} ${n(y + r)}z" class="${role}"/>`;
}

/** A second outline: whole for several keys at once, dashed where states were skipped. */
function ring({ shape, several, coalesced, deletes, puts }: Kind, x: number, y: number): string {
  if (shape !== 'change' || !(several || coalesced)) return '';
  const role: Role = deletes && !puts ? 'delete' : 'put';
  return `<circle cx="${n(x)}" cy="${n(y)}" r="${r + 3}" class="line ${role}"${coalesced ? ' stroke-dasharray="3 3"' : ''}/>`;
}

function badge(x: number, y: number, role: Role, sign: string): string {
  const [cx, cy] = [x + r - 2, y - r + 2];
  const paths: Record<string, string> = {
    applied: `M${n(cx - 3.2)} ${n(cy + 0.2)}l2.3 2.5l4-5`,
    failed: `M${n(cx - 2.6)} ${n(cy - 2.6)}l5.2 5.2m0 -5.2l-5.2 5.2`,
    timedOut: `M${n(cx)} ${n(cy - 3.6)}v3.8h2.8`,
    '?': `M${n(cx - 2.1)} ${n(cy - 2)}a2.1 2.1 0 1 1 2.6 2q-.5 .2 -.5 1.3m0 2v.2`,
  };
  const path = paths[sign] ?? `M${n(cx - 3)} ${n(cy)}h6`;
  return `<circle cx="${n(cx)}" cy="${n(cy)}" r="7" class="${role} rim"/><path d="${path}" class="sign"/>`;
}

/** What stands under the marbles of a row; all texts of one kind on one line. */
export function labels(row: readonly Placed[], y: number): string[] {
  const used = usedLines(row);
  return row.flatMap(({ x, label, outcome }) =>
    used.map((line, i) =>
      textAt(x, y + r + 14 + i * 13, label[line]!, `halo ${['value', 'muted', outcomeRole(outcome ?? '')][line]}`),
    ),
  );
}

/** How far the labels of a row reach below its axis. */
export function depth(row: readonly Placed[]): number {
  return r + 5 + usedLines(row).length * 13;
}

function usedLines(row: readonly Placed[]): number[] {
  return [0, 1, 2].filter((line) => row.some(({ label }) => label[line] !== ''));
}

/** The end of a stream: a bar, or a cross. */
export function ending(kind: 'complete' | 'error', x: number, y: number): string {
  if (kind === 'complete') return `<path d="M${n(x)} ${n(y - r)}v${2 * r}" class="axis thick"/>`;
  return `<path d="M${n(x - 9)} ${n(y - 9)}l18 18m0 -18l-18 18" class="line delete thick"/>`;
}

export function arrowHead(x: number, y: number): string {
  return `<path d="M${n(x)} ${n(y)}l-9 -4.5v9z" class="head"/>`;
}
