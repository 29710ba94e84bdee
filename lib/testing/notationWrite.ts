import { jsonOf } from '../internal/bytes.ts';
import { bareWord, fromJson, type Written, type WrittenItem } from './notationText.ts';

/** The text of what {@link read} gives; items sorted by key. */
export function write(written: Written): string {
  if (written.type === 'outcome') {
    const keys = written.keys === undefined ? '' : `(${written.keys.map(writeKey).join(',')})`;
    const message = written.message === undefined ? '' : ` ${JSON.stringify(written.message)}`;
    return `${write(written.event)} ${written.outcome}${keys}${message}`;
  }
  const items = [...written.items].sort((a, b) => (a.key < b.key || (a.key === b.key && a.mark === '!') ? -1 : 1));
  if (written.type === 'state') return `{${items.map((item) => writeItem(item, item.mark)).join(' ')}}`;
  const own = (item: WrittenItem): string =>
    item.revision === undefined || item.revision === written.revision ? '' : `@${item.revision}`;
  if (written.type === 'resync') {
    const marks = marksOf(items);
    const reason = written.reason === 'initial' ? '' : ` ${written.reason}`;
    return `{${items.map((item) => writeItem(item, marks(item)) + own(item)).join(' ')}}@${written.revision}${reason}`;
  }
  return `${written.coalesced ? '~' : ''}${items.map((item) => writeItem(item, item.mark) + own(item)).join(',')}@${written.revision}`;
}

/** No marks where everything is new; else none on what is as before, unless nothing else would show that marks are meant. */
function marksOf(items: readonly WrittenItem[]): (item: WrittenItem) => string {
  const listed = items.filter((item) => 'value' in item);
  if (listed.length === items.filter((item) => item.mark === '+').length && !isMarked(items, '!')) return () => '';
  const isSeen = isMarked(items, '+', '!') || items.some((item) => item.previous !== undefined);
  return (item) => (item.mark === '=' && isSeen ? '' : item.mark);
}

/** Whether any item carries one of the marks. */
export function isMarked(items: readonly WrittenItem[], ...marks: readonly WrittenItem['mark'][]): boolean {
  return items.some(({ mark }) => marks.includes(mark));
}

function writeItem(item: WrittenItem, mark: string): string {
  const { key, previous, rejected } = item;
  if (item.mark === '!')
    return `!${writeKey(key)}${previous?.value === undefined ? '' : `:${writeValue(previous.value)}`}`;
  const before = previous === undefined ? '' : `${previous.value === undefined ? '' : writeValue(previous.value)}>`;
  const value = 'value' in item ? writeValue(item.value) : '';
  return `${mark}${writeKey(key)}:${before}${value}${rejected ? '?' : ''}`;
}

function writeKey(key: string): string {
  return isBare(key) && !key.startsWith('+') ? key : JSON.stringify(key);
}

function writeValue(value: unknown): string {
  const json = jsonOf(value);
  return typeof json === 'string' && isBare(json) && fromJson(json) === undefined ? json : canonical(json);
}

function isBare(text: string): boolean {
  bareWord.lastIndex = 0;
  return bareWord.exec(text)?.[0] === text;
}

/** JSON with sorted fields: equal texts are equal values, as far as the notation is concerned. */
export function canonical(value: unknown): string {
  try {
    return JSON.stringify(jsonOf(value), (_key, inner: unknown) => plain(inner)) ?? String(value);
  } catch {
    return String(value);
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Error) return value.message;
  if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const json = jsonOf(value);
  if (json !== value) return json;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
