import { sameBytes } from '../internal/bytes.ts';
import type { Longs } from './protobufType.ts';

/** A 64-bit integer of `long`, which protobufjs brings. */
interface Long {
  readonly __isLong__: true;
  toString(): string;
}

/**
 * Makes plain data of what `toObject` gives, in place: 64-bit integers as asked for, bytes as `Uint8Array` of their own
 * (protobufjs hands out Buffers and views of the raw value), and no names of the groups that version 7 makes of `optional`.
 */
export function plain(value: unknown, longs: Longs): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (isLong(value)) return ofLong(value, longs);
  const items = value as Record<string, unknown>;
  for (const [name, item] of Object.entries(items)) {
    if (typeof item === 'object' && item !== null) items[name] = plain(item, longs);
    else if (name === `_${String(item)}` && Object.hasOwn(items, item as string)) Reflect.deleteProperty(items, name);
  }
  return value;
}

/**
 * Where a message says something else than what it was made of: protobufjs makes 0 of a text that is no number, cuts
 * integers to 32 bits, and skips names it does not know.
 *
 * @param given what it was made of
 * @param forms what it says, in all ways to write it; each item of `given` must be as one of them has it
 * @param alike whether an item may stand for another one
 * @returns the first difference, in words
 */
export function difference(
  given: unknown,
  forms: readonly unknown[],
  alike: (given: unknown, form: unknown) => boolean,
  path = '',
): string | undefined {
  if (typeof given === 'object' && given !== null && !(given instanceof Uint8Array) && !isLong(given)) {
    const list = Array.isArray(given);
    const like = forms.filter(
      (form): form is Record<string, unknown> =>
        typeof form === 'object' && form !== null && !(form instanceof Uint8Array) && Array.isArray(form) === list,
    );
    if (like.length > 0) {
      for (const [name, item] of Object.entries(given)) {
        // Members that are not there: protobufjs leaves them out, too.
        if (!list && (item === undefined || item === null)) continue;
        const inside = like.map((form) => (Object.hasOwn(form, name) ? form[name] : undefined));
        const found = difference(item, inside, alike, list ? `${path}[${name}]` : `${path}.${name}`);
        if (found !== undefined) return found;
      }
      return undefined;
    }
  } else if (!isTorn(given) && forms.some((form) => same(given, form) || alike(given, form))) return undefined;
  const where = path === '' ? '' : `${path.replace(/^\./, '')}: `;
  if (isTorn(given)) return `${where}${shown(given)} has half a character`;
  if (forms[0] === undefined) return `${where}there is no such field, or not this value of it (${shown(given)})`;
  if (typeof given === 'bigint' && typeof forms[0] !== 'bigint')
    return `${where}${given}n is a bigint: only a 64-bit field takes it, with longs: 'bigint'`;
  return `${where}${shown(given)} would become ${shown(forms[0])}`;
}

function same(given: unknown, form: unknown): boolean {
  if (given === form || Object.is(given, form)) return true;
  if (given instanceof Uint8Array) return form instanceof Uint8Array && sameBytes(given, form);
  if (isLong(given)) return String(given) === String(form);
  // `float` has fewer digits.
  return typeof given === 'number' && Number.isFinite(form) && Math.fround(given) === form;
}

/** Half of a surrogate pair is no UTF-8, but version 7 writes it. */
function isTorn(value: unknown): boolean {
  return typeof value === 'string' && /\p{Surrogate}/u.test(value);
}

function isLong(value: unknown): value is Long {
  return typeof value === 'object' && value !== null && '__isLong__' in value && value.__isLong__ === true;
}

function ofLong(value: Long, longs: Longs): string | number | bigint {
  const text = String(value);
  if (longs === 'string') return text;
  if (longs === 'bigint') return BigInt(text);
  if (Number.isSafeInteger(Number(text))) return Number(text);
  throw new RangeError(`${text} is no safe integer: set 'longs' to 'string' or 'bigint'`);
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null && !isLong(value)) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
