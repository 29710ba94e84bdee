import { type OperatorFunction, Subject, scan } from 'rxjs';
import { ChangeEvent, type DatasyncEvent, ResyncEvent } from '../../lib/model/events.ts';
import { toState } from '../../lib/operators/toState.ts';
import { collectGarbage, interleaved, median, timed } from './measure.ts';
import { type Figure, units } from './table.ts';

/** Microseconds that one change costs. */
type PerChange = () => number;

function keyOf(index: number): string {
  return `/nodes/node-${index % 1_000}/interfaces/eth${index}`;
}

/** What one writes without us: a new Map per event. */
function copying(): OperatorFunction<DatasyncEvent<number>, ReadonlyMap<string, number>> {
  return scan((state: ReadonlyMap<string, number>, event) => {
    if (event.type === 'resync') return new Map(event.entries.items.map((item) => [item.key, item.value]));
    const next = new Map(state);
    for (const change of event.changes) {
      if (change.op === 'put') next.set(change.key, change.value);
      else next.delete(change.key);
    }
    return next;
  }, new Map<string, number>());
}

/** One change after the other through an operator, spread over all keys. */
function through(
  operator: OperatorFunction<DatasyncEvent<number>, ReadonlyMap<string, number>>,
  size: number,
  count: number,
): PerChange {
  const events = new Subject<DatasyncEvent<number>>();
  let state: ReadonlyMap<string, number> | undefined;
  events.pipe(operator).subscribe((next) => {
    state = next;
  });
  let revision = 1;
  events.next(
    ResyncEvent.of(
      Array.from({ length: size }, (_, index) => [keyOf(index), index] as const),
      revision,
    ),
  );
  return () => {
    collectGarbage();
    const ms = timed(() => {
      for (let i = 0; i < count; i++) {
        revision++;
        events.next(ChangeEvent.put(keyOf((revision * 7_919) % size), revision, revision));
      }
    });
    if (state?.size !== size) throw new Error(`the state has ${state?.size} keys of ${size}`);
    return (ms / count) * 1_000;
  };
}

/** The least that a new reference costs: the copy alone. */
function mapCopy(size: number, count: number): PerChange {
  let state = new Map(Array.from({ length: size }, (_, index) => [keyOf(index), index] as const));
  return () => {
    collectGarbage();
    const ms = timed(() => {
      for (let i = 0; i < count; i++) {
        state = new Map(state);
        state.set(keyOf((i * 7_919) % size), i);
      }
    });
    return (ms / count) * 1_000;
  };
}

async function compare(size: number, copies: number, rounds: number): Promise<Figure[]> {
  const results = await interleaved(rounds, {
    ours: through(toState(), size, 20_000),
    copy: mapCopy(size, copies),
    scan: through(copying(), size, copies),
  });
  const ours = median(results['ours']!);
  const what = `toState, one change at ${size.toLocaleString('en')} keys`;
  const unit = units.microseconds;
  return [
    { what, unit, ours, peer: 'new Map(old).set(…)', theirs: median(results['copy']!) },
    { what, unit, ours, peer: 'scan with a Map copy', theirs: median(results['scan']!) },
  ];
}

/** What one change costs where every emission is a new reference. */
export async function state(quick: boolean): Promise<Figure[]> {
  return [...(await compare(20_000, quick ? 10 : 50, 5)), ...(await compare(1_000_000, quick ? 1 : 3, 5))];
}
