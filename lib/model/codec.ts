/**
 * Turns raw values into values of your type and back.
 *
 * `decode` must be pure: it may be called again for the same bytes. What it throws, and `undefined`, make the key
 * `rejected`: its last good value stays. Both are synchronous: a Promise is refused, as a value that cannot be decoded.
 * Both are given the whole key, as the store knows it.
 */
export interface Codec<T> {
  /** For messages: `json`, `yaml` … */
  readonly name: string;
  /** A value from its bytes; throws, or returns `undefined`, where they are none. */
  readonly decode: (raw: Uint8Array, key: string) => T;
  /** The bytes of a value; throws where it has none. */
  readonly encode: (value: T, key: string) => Uint8Array;
}
