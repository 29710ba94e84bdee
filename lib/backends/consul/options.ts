import { oneOf, type Rules, rule } from '../../model/options.ts';
import type { SourceConfig } from '../../source/config.ts';

/** When a loss of keys is not believed at once. */
export interface ShrinkConfig {
  /** A prefix that loses more than this share of its keys at one look is held. More than 0, less than 1. Default: 0.5. */
  readonly share?: number;
  /**
   * Milliseconds for which the loss must have been seen unchanged to be believed. `Infinity`: it never is, but a resync takes what
   * is there then: let `resyncOn` emit. Default: 2,000.
   */
  readonly confirm?: number;
}

/** How a prefix is watched by what lies below it. */
export interface SplitConfig {
  /** Up to where keys belong together: Consul's `separator`. Default: `/`. */
  readonly separator?: string;
  /**
   * So many sub-prefixes at most, of all prefixes together, are waited for by a query of their own, each with a connection. Further ones
   * are asked, four at a time, whenever their prefix has changed. Consul takes 200 connections of one client, if not configured otherwise. Default: 100.
   */
  readonly queries?: number;
}

/** What the Consul backend takes. */
export interface ConsulOptions {
  /**
   * Milliseconds that Consul holds a question back while nothing changes; then it answers all the same, which shows that it is
   * alive. At most a sixteenth more. Default: 10,000.
   */
  readonly wait?: number;
  /**
   * Milliseconds until an answer must begin, beyond what Consul may hold it back for, and between two parts of it: with `wait` the
   * time in which a connection is found dead. Default: 5,000.
   */
  readonly timeout?: number;
  /** Milliseconds between an answer and the next question about the same prefix, and at least as long as that answer took. Default: 100. */
  readonly every?: number;
  /** Bytes that one answer may have. Default: 268,435,456. */
  readonly maxAnswer?: number;
  /**
   * For large trees: each prefix is watched by the sub-prefixes that are there, so that a change costs an answer about one of them and not
   * about all. They come and go by themselves. A snapshot is not of one moment then: they are read one after the other, and what
   * changed meanwhile follows at once. Changes in several of them are several events, also of one transaction; `onShrink` is
   * about each by itself. Keys directly under the prefix are read with every change below it: there should be few. Default: not split.
   */
  readonly split?: SplitConfig;
  /** Holds back large losses of keys until they are confirmed, also over a break. Default: they are told as all else. */
  readonly onShrink?: ShrinkConfig;
  /**
   * What follows when Consul refuses the token. `fail`: the subscription ends with `ACCESS_DENIED`. `retry`: it is asked again,
   * and the status is `stale`. Default: `retry`, since a new token may be unknown to a server for a while.
   */
  readonly onDenied?: 'fail' | 'retry';
}

/** Configuration of {@link fromConsul}. */
export interface FromConsulConfig<T> extends SourceConfig<T>, ConsulOptions {}

/** {@link ConsulOptions} with the defaults. */
export type ResolvedConsulOptions = Required<Omit<ConsulOptions, 'onShrink' | 'split'>> & {
  readonly split: Required<SplitConfig> | undefined;
  readonly onShrink: Required<ShrinkConfig> | undefined;
};

const isPart = (value: unknown): boolean => typeof value === 'number' && value > 0 && value < 1;
const inRange =
  (least: number, most: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && value >= least && value <= most;

/** The table of {@link ConsulOptions}. */
export const consulRules: Rules = {
  // Consul cuts it at ten minutes.
  wait: [inRange(10, 600_000), 'a number of milliseconds, 10 to 600,000'],
  timeout: [inRange(10, 600_000), 'a number of milliseconds, 10 to 600,000'],
  every: rule.milliseconds,
  maxAnswer: rule.positive,
  split: { separator: rule.text, queries: rule.count },
  onShrink: {
    share: [isPart, 'a number between 0 and 1'],
    confirm: [(value) => value === Infinity || rule.milliseconds[0](value), 'a number of milliseconds, or Infinity'],
  },
  onDenied: oneOf('fail', 'retry'),
};

export function resolveConsulOptions(options: ConsulOptions): ResolvedConsulOptions {
  const { onShrink, split } = options;
  return {
    wait: options.wait ?? 10_000,
    timeout: options.timeout ?? 5_000,
    every: options.every ?? 100,
    maxAnswer: options.maxAnswer ?? 2 ** 28,
    onDenied: options.onDenied ?? 'retry',
    split: split && { separator: split.separator ?? '/', queries: split.queries ?? 100 },
    onShrink: onShrink && { share: onShrink.share ?? 0.5, confirm: onShrink.confirm ?? 2_000 },
  };
}
