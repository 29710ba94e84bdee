import fc from 'fast-check';

/** How a consumer deals with one event. */
export interface Behaviour {
  readonly says: 'done' | 'fail' | 'nothing';
  /** How much of the event it holds afterwards; `all` unless it fails. */
  readonly applied: 'none' | 'part' | 'all';
  /** Milliseconds the work takes: 0 is synchronous, Infinity never ends. */
  readonly delay: number;
}

/** One thing that happens. */
export type Step =
  | { readonly do: 'put' | 'same'; readonly key: string; readonly value: string }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'txn'; readonly writes: readonly (readonly [key: string, value: string | undefined])[] }
  | { readonly do: 'cut' | 'cutAndCompact' | 'wipe' | 'compact' | 'request' | 'fade' }
  | { readonly do: 'lateFail'; readonly back: number }
  | { readonly do: 'latency'; readonly ms: number }
  | { readonly do: 'prefixes'; readonly prefixes: readonly string[] }
  | { readonly do: 'writeInside'; readonly key: string; readonly value: string }
  | { readonly do: 'unsubscribe' };

/** A whole run: steps with the pauses before them, and what the consumer does with each event in turn. */
export interface Script {
  readonly steps: readonly (readonly [pause: number, step: Step])[];
  readonly behaviours: readonly Behaviour[];
  readonly inFlight: number;
  readonly queue: number;
  readonly onNack: 'report' | 'resync';
}

const key = fc.constantFrom('/a/1', '/a/2', '/a/3', '/ab/1', '/b/1', '/b/2');
// `BAD` does not decode; few values, so that a key often comes back to one.
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('1', '2', '3') },
  { weight: 1, arbitrary: fc.constant('BAD') },
);

export const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Behaviour>({ says: 'done', applied: 'all', delay: 0 }) },
  { weight: 2, arbitrary: fc.constant<Behaviour>({ says: 'nothing', applied: 'all', delay: 0 }) },
  {
    weight: 3,
    arbitrary: fc.record<Behaviour>({
      says: fc.constant('done'),
      applied: fc.constant('all'),
      delay: fc.constantFrom(1, 7, 60, 700),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record<Behaviour>({
      says: fc.constant('fail'),
      applied: fc.constantFrom('none', 'part', 'all'),
      delay: fc.constantFrom(0, 0, 5, 200),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record<Behaviour>({
      says: fc.constant('nothing'),
      applied: fc.constantFrom('none', 'part', 'all'),
      delay: fc.constant(Infinity),
    }),
  },
);

function step(dynamic: boolean): fc.Arbitrary<Step> {
  const prefixes = fc.subarray(['/a', '/a/', '/b/', '/ab/', ''], { minLength: 0 });
  return fc.oneof(
    { weight: 10, arbitrary: fc.record({ do: fc.constant('put' as const), key, value }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('same' as const), key, value }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('txn' as const),
        writes: fc.array(fc.tuple(key, fc.option(value, { nil: undefined })), { minLength: 1, maxLength: 4 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'request' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('lateFail' as const), back: fc.nat(3) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('cutAndCompact' as const, 'wipe' as const, 'compact' as const, 'fade' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('latency' as const), ms: fc.constantFrom(0, 1, 30) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('writeInside' as const), key, value }) },
    ...(dynamic ? [{ weight: 2, arbitrary: fc.record({ do: fc.constant('prefixes' as const), prefixes }) }] : []),
  );
}

/** Random scripts. */
export function scripts(dynamic: boolean): fc.Arbitrary<Script> {
  const pause = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(0, 0, 1, 5, 20) },
    { weight: 1, arbitrary: fc.constantFrom(150, 1_500) },
  );
  return fc
    .record({
      steps: fc.array(fc.tuple(pause, step(dynamic)), { minLength: 1, maxLength: 40, size: 'max' }),
      behaviours: fc.array(behaviour, { maxLength: 25, size: 'max' }),
      inFlight: fc.constantFrom(1, 2, 5, 128),
      queue: fc.constantFrom(0, 2, 5, 1_000),
      onNack: fc.constantFrom('report' as const, 'resync' as const),
      end: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    })
    .map(({ end, steps, ...rest }) => ({
      ...rest,
      steps: end ? [...steps, [0, { do: 'unsubscribe' }] as const] : steps,
    }));
}
