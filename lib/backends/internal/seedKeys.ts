import type { Leaf } from '../../model/options.ts';
import { oneOf, rule, wrongElement } from '../../model/options.ts';
import { durationForm, milliseconds } from './goDuration.ts';

/** What one key of a configuration may hold, and what it is read as. */
export class SeedKey<V> {
  readonly leaf: Leaf;
  /** What is read of a value that has passed the test. */
  readonly read: (value: unknown) => V;
  /** Its value never stands in a message. */
  readonly isSecret: boolean;

  constructor(leaf: Leaf, read: (value: unknown) => V = (value) => value as V, isSecret: boolean = false) {
    this.leaf = leaf;
    this.read = read;
    this.isSecret = isSecret;
  }
}

/** The keys of a configuration, in kebab case; a table of its own for a nested one. */
export interface SeedKeys {
  readonly [key: string]: SeedKey<unknown> | SeedKeys;
}

type Camel<S extends string> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;

/** What a configuration is read as: `dial-timeout` becomes `dialTimeout`, and what is not given is missing. */
export type SeedConfig<K extends SeedKeys> = {
  readonly [Key in keyof K & string as Camel<Key>]?: K[Key] extends SeedKey<infer V>
    ? V
    : K[Key] extends SeedKeys
      ? SeedConfig<K[Key]>
      : never;
};

/** The kinds of keys that configurations share. */
export const seedKey: {
  readonly text: SeedKey<string>;
  /** A text that never stands in a message. */
  readonly secret: SeedKey<string>;
  readonly texts: SeedKey<readonly string[]>;
  readonly flag: SeedKey<boolean>;
  /** A whole number, 0 or more. */
  readonly count: SeedKey<number>;
  /** A whole number, 1 or more. */
  readonly positive: SeedKey<number>;
  /** See `goDuration.ts`; read as milliseconds, no more than a timer can wait (24 days). */
  readonly duration: SeedKey<number>;
  readonly oneOf: <W extends string>(...words: readonly W[]) => SeedKey<W>;
} = {
  text: new SeedKey(rule.text),
  secret: new SeedKey(rule.text, undefined, true),
  texts: new SeedKey([isNonEmptyTexts, 'a list of at least one text', wrongElement(rule.text[0])]),
  flag: new SeedKey(rule.flag),
  count: new SeedKey([(value) => value !== Infinity && rule.count[0](value), 'a whole number, 0 or more']),
  positive: new SeedKey(rule.positive),
  duration: new SeedKey(
    [(value) => rule.milliseconds[0](milliseconds(value)), durationForm],
    (value) => milliseconds(value)!,
  ),
  oneOf: <W extends string>(...words: readonly W[]) => new SeedKey<W>(oneOf(...words) as Leaf),
};

function isNonEmptyTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((text) => rule.text[0](text));
}

/** `dial-timeout` as an option: `dialTimeout`. */
export function camelCase(key: string): string {
  return key.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
