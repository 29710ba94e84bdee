import { settledWell } from '../../model/ack.ts';
import { isUnder } from '../../source/prefixes.ts';
import { keysText, valueText } from '../text.ts';
import type { Finding, Validator } from './invariant.ts';
import { isBad } from './oracle.ts';
import type { Cell, Run, Stream } from './run.ts';
import { same } from './same.ts';
import { isOver, label } from './snapshot.ts';

/** I18: in the end everybody knows everything. */
export const convergence: Validator = {
  says: 'after the last write and quiet every view is what the store holds',
  needs: ['events', 'truth', 'quiet'],
  *check(run) {
    for (const quiet of run.quiet()) {
      for (const stream of run.streams)
        if (mayBeJudged(stream, quiet.step)) yield* compareViews(run, stream, quiet.step);
    }
    yield* compareStates(run);
  },
};

/** Below an operator that holds back, only after a resync that was settled well. */
function mayBeJudged(stream: Stream, step: number): boolean {
  if (stream.step > step || isOver(stream, step)) return false;
  const resync = stream.tellings.findLast(({ event, step: at }) => event.type === 'resync' && at < step);
  if (resync === undefined) return false;
  if (stream.place === 'source') return true;
  return [...resync.settled, ...resync.late].every((said) => said.step > step || settledWell(said.outcome));
}

function* compareViews(run: Run, stream: Stream, step: number): Iterable<Finding> {
  const { fromEntries, fromDiffs, prefixes, isCounted } = viewsAt(stream, step);
  const wrong = [...differing(run, fromEntries, prefixes, step)];
  if (wrong.length > 0)
    yield { step, message: `${label(stream)} does not end with what the store holds: ${wrong.join(', ')}` };
  else if (isCounted) {
    const wrong = [...differing(run, fromDiffs, prefixes, step)];
    if (wrong.length > 0)
      yield {
        step,
        message: `${label(stream)}, followed by diffs alone, does not end with what the store holds: ${wrong.join(', ')}`,
      };
  }
}

function* differing(
  run: Run,
  view: ReadonlyMap<string, Cell>,
  prefixes: readonly string[],
  step: number,
): Iterable<string> {
  for (const key of new Set([...run.oracle.keys.keys(), ...view.keys()])) {
    const fact = run.oracle.asOf(key, step);
    // What may stay of a key that cannot be decoded is said by I40.
    if (!isUnder(key, prefixes) || isBad(fact)) continue;
    const cell = view.get(key);
    const isRight = fact === undefined ? cell === undefined : cell !== undefined && same(cell.value, fact.value);
    if (!isRight) yield `${key} is ${valueText(fact?.value)}, told was ${valueText(cell?.value)}`;
  }
}

interface Views {
  readonly fromEntries: Map<string, Cell>;
  readonly fromDiffs: Map<string, Cell>;
  readonly prefixes: readonly string[];
  /** Hand-made events (epoch 0) have no diff to follow. */
  readonly isCounted: boolean;
}

function viewsAt(stream: Stream, step: number): Views {
  let fromEntries = new Map<string, Cell>();
  const fromDiffs = new Map<string, Cell>();
  let prefixes: readonly string[] = [];
  let isCounted = true;
  for (const { event, base, step: at } of stream.tellings) {
    if (at > step || base === undefined) continue;
    isCounted &&= event.epoch > 0;
    if (event.type === 'resync') {
      prefixes = event.prefixes;
      fromEntries = new Map(Array.from(event.entries, (item) => [item.key, item] as const));
      for (const item of [...event.diff.added, ...event.diff.changed]) fromDiffs.set(item.key, item);
      for (const { key } of event.diff.removed) fromDiffs.delete(key);
    } else {
      for (const change of event.changes) {
        for (const view of [fromEntries, fromDiffs]) {
          if (change.op === 'put') view.set(change.key, change);
          else view.delete(change.key);
        }
      }
    }
  }
  return { fromEntries, fromDiffs, prefixes, isCounted };
}

/** The last view that was emitted, where the events above it were right. */
function* compareStates(run: Run): Iterable<Finding> {
  for (const { step } of run.quiet()) {
    const stream = run.sources.length === 1 ? run.sources[0] : undefined;
    if (stream === undefined || isOver(stream, step)) continue;
    const names = new Set(run.of('state').map(({ name }) => name));
    for (const name of names) {
      const last = run.of('state').findLast((state) => state.name === name && state.step < step);
      if (last === undefined) continue;
      const { fromEntries } = viewsAt(stream, step);
      const told = new Map(Array.from(fromEntries, ([key, { value }]) => [key, value] as const));
      const keys = [...new Set([...told.keys(), ...last.state.keys()])].filter(
        (key) => told.has(key) !== last.state.has(key) || !same(told.get(key), last.state.get(key)),
      );
      if (keys.length > 0)
        yield { step, message: `${name}: the last view differs from what was told in ${keysText(keys)}` };
    }
  }
}
