import { isObservable } from 'rxjs';
import { isPromiseLike } from '../internal/isPromiseLike.ts';
import { DatasyncError } from './errors.ts';

/** A test, and the words for a message; where only a part of the value is wrong, which part. */
export type Leaf = readonly [
  test: (value: unknown) => boolean,
  expected: string,
  part?: (value: unknown) => string | undefined,
];

/** What one option may be: a test, or a table of its own for a nested bag. */
export type Rule = Leaf | Rules;

/** One rule per option. */
export interface Rules {
  readonly [option: string]: Rule;
}

/** Also an array or a Map. */
export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** What options may come in. */
export const isBag = (value: unknown): value is object => isObject(value) && !Array.isArray(value);

const number = (test: (value: number) => boolean) => (value: unknown) => typeof value === 'number' && test(value);
const isFunction = (value: unknown): boolean => typeof value === 'function';

/** Above this a timer fires at once. */
const longest = 2 ** 31 - 1;

/** The rules that options share. */
export const rule: Readonly<
  Record<
    | 'text'
    | 'anyText'
    | 'texts'
    | 'flag'
    | 'callback'
    | 'count'
    | 'positive'
    | 'milliseconds'
    | 'observable'
    | 'textsOrObservable'
    | 'observer',
    Leaf
  >
> = {
  text: [(value) => typeof value === 'string' && value !== '', 'a text that is not empty'],
  anyText: [isText, 'a text'],
  texts: [isTexts, 'an array of texts', wrongElement(isText)],
  flag: [(value) => typeof value === 'boolean', 'true or false'],
  callback: [isFunction, 'a function'],
  count: [
    number((value) => value === Infinity || (Number.isInteger(value) && value >= 0)),
    'a whole number, 0 or more, or Infinity',
  ],
  positive: [number((value) => Number.isInteger(value) && value >= 1), 'a whole number, 1 or more'],
  milliseconds: [number((value) => value >= 0 && value <= longest), 'a number of milliseconds, 0 to 2,147,483,647'],
  observable: [isObservable, 'an Observable'],
  textsOrObservable: [
    (value) => isTexts(value) || isObservable(value),
    'an array of texts, or an Observable of them',
    wrongElement(isText),
  ],
  observer: withMethods('an observer: { next }', 'next'),
};

/** A rule for one of some words. */
export function oneOf(...words: readonly string[]): Rule {
  return [(value) => words.includes(value as string), words.map((word) => `'${word}'`).join(' or ')];
}

/** A rule for an object that has these methods. */
export function withMethods(what: string, ...methods: readonly string[]): Leaf {
  return [
    (value) => isObject(value) && methods.every((method) => isFunction((value as Record<string, unknown>)[method])),
    what,
    (value) => {
      if (!isObject(value)) return undefined;
      const of = value as Record<string, unknown>;
      const method = methods.find((name) => !isFunction(of[name]));
      return method === undefined ? undefined : named(`'${method}'`, of[method]);
    },
  ];
}

/**
 * Checks a bag of options against its table, and refuses what the table does not know.
 *
 * @param where who takes the options, for the message: `fromFiles`
 * @param required the options that must be there
 * @throws DatasyncError `INVALID_CONFIG`, naming the option, what was expected and what was found
 */
export function checkOptions(where: string, options: unknown, rules: Rules, required: readonly string[] = []): void {
  checkBag(where, options, rules, '');
  for (const name of required) {
    if ((options as Record<string, unknown>)[name] === undefined)
      throw invalid(`${where}: the option '${name}' is missing`);
  }
}

/**
 * Checks an argument that is no option.
 *
 * @throws DatasyncError `INVALID_CONFIG`, naming the argument, what was expected and what was found
 */
export function checkArgument(where: string, name: string, value: unknown, leaf: Leaf): void {
  if (!leaf[0](value)) throw invalid(`${where}: '${name}' must be ${expectation(value, leaf)}`);
}

function checkBag(where: string, options: unknown, rules: Rules, path: string): void {
  if (!isBag(options)) {
    throw invalid(`${where}: ${path === '' ? 'the options' : `'${path}'`} must be an object, not ${shown(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    const full = path === '' ? name : `${path}.${name}`;
    const own = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (own === undefined)
      throw invalid(`${where}: unknown option '${full}'; known are ${Object.keys(rules).join(', ')}`);
    if (value === undefined) continue;
    if (!isLeaf(own)) checkBag(where, value, own, full);
    else if (!own[0](value)) throw invalid(`${where}: the option '${full}' must be ${expectation(value, own)}`);
  }
}

function isLeaf(rule: Rule): rule is Leaf {
  return Array.isArray(rule);
}

/** What was expected and what was found, for a message. */
export function expectation(value: unknown, [, expected, part]: Leaf): string {
  const wrong = part?.(value);
  return wrong === undefined ? `${expected}, not ${shown(value)}` : `${expected}, but ${wrong}`;
}

/** For the message of a rule about arrays: which element is wrong, where one is. */
export function wrongElement(test: (item: unknown) => boolean): (value: unknown) => string | undefined {
  return (value) => {
    const index = Array.isArray(value) ? value.findIndex((item) => !test(item)) : -1;
    return index < 0 ? undefined : named(`element ${index}`, (value as unknown[])[index]);
  };
}

function named(part: string, value: unknown): string {
  return value === undefined ? `${part} is missing` : `${part} is ${shown(value)}`;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function invalid(message: string): DatasyncError {
  return new DatasyncError('INVALID_CONFIG', message);
}

/** What was found, for a message: short, whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (isObservable(value)) return 'an Observable';
  if (isObject(value)) return isPromiseLike(value) ? 'a Promise' : 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
