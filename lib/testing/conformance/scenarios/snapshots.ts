import { concat, concatMap, defer, EMPTY, of } from 'rxjs';
import type { Backend, Frame } from '../../../source/frames.ts';
import { faults } from '../../faults.ts';
import type { Scenario } from '../scenario.ts';
import { fill, subscribe, told, unsubscribe, until, write } from '../script.ts';
import type { Stage } from '../stage.ts';
import type { Values } from '../truth.ts';

/** Writes right before or right after the backend says something: whatever races the hand-over. */
function race(
  when: 'before' | 'after',
  type: Frame['type'],
  ...writes: readonly Values[]
): NonNullable<Scenario['fault']> {
  return <P>(backend: Backend<P>, stage: Stage) => {
    const left = [...writes];
    const writeOne = (): void => {
      const next = left.shift();
      if (next !== undefined) stage.writeMeanwhile(next);
    };
    return faults.with(backend, (frames) =>
      frames.pipe(
        concatMap((frame) => {
          if (frame.type !== type) return of(frame);
          if (when === 'before') writeOne();
          const after = defer(() => {
            if (when === 'after') writeOne();
            return EMPTY;
          });
          return concat(of(frame), after);
        }),
      ),
    );
  };
}

const races = (['before', 'after'] as const).flatMap((when) =>
  (['page', 'snapshot'] as const).map(
    (type): Scenario => ({
      name: `a key is changed, one deleted and one made right ${when} each ${type} of the listing`,
      plays: ['S7'],
      keeps: ['I3', 'I9', 'I10'],
      needs: ['frames'],
      fault: race(when, type, { x: 2, y: undefined, z: 1 }, { x: 3, z: undefined }, { y: 4 }),
      steps: [
        write({ x: 1, y: 1 }),
        ...fill('many/', 2_050),
        subscribe(),
        until('the resync', ({ events }) => (events.length > 0 ? undefined : 'nothing yet')),
        // Whoever gets this one must have got what came before it.
        write({ w: 1 }),
        told,
        write({ x: 9, y: 9 }),
        told,
      ],
    }),
  ),
);

/** What is told first. */
export const snapshots: readonly Scenario[] = [
  {
    name: 'an empty store is told as empty, and what is made later as a change',
    plays: ['S24'],
    keeps: ['I1', 'I5'],
    steps: [subscribe(), told, write({ x: 1 }), told],
    check: ({ events }) =>
      events[0]?.type === 'resync' && events[0].entries.size === 0
        ? undefined
        : 'the first event is not an empty resync',
  },
  {
    name: 'nothing is there under the prefix, and much beside it',
    plays: ['S24'],
    keeps: ['I1', 'I4', 'I5'],
    steps: [write({ 'other/x': 1 }), subscribe('none/'), told, write({ 'other/x': 2 }), write({ 'none/x': 1 }), told],
  },
  {
    name: 'what is there is told at once, as one resync',
    keeps: ['I1', 'I3', 'I4', 'I5'],
    steps: [write({ x: 1, y: [1, 2], z: { a: 'b' } }), ...fill('many/', 120), subscribe(), told],
    check: ({ events }) =>
      events[0]?.type === 'resync' && events[0].entries.size === 123
        ? undefined
        : 'the first event does not hold the 123 keys',
  },
  {
    name: 'a prefix is a raw string: neighbours of its border do not match',
    plays: ['S19'],
    keeps: ['I4', 'I14'],
    steps: [
      write({ a: 1, 'a/': 1, 'a/1': 1, 'a/1/2': 1, 'ab/1': 1, 'b/a/1': 1, 'A/1': 1, 'a\u00e9': 1 }),
      subscribe('a/'),
      told,
      write({ a: 2, 'ab/1': 2, 'b/a/1': undefined, 'a/1/2': 2 }),
      write({ 'a/': undefined, 'a/1': 2, a0: 1 }),
      told,
    ],
  },
  {
    name: 'a prefix is no path and no pattern: it may end anywhere in a key, and hold any sign',
    plays: ['S19'],
    keeps: ['I4', 'I14'],
    steps: [
      write({ a: 1, ab: 1, 'a/1': 1, 'b*c': 1, 'b*/1': 1, bbc: 1, ba: 1 }),
      subscribe('a', 'b*'),
      told,
      write({ ab: 2, ac: 1, 'b*c': 2, bbc: 2, 'a/1': undefined }),
      write({ a: undefined, 'b*/1': undefined, ba: undefined, 'b*': 1 }),
      told,
    ],
    check: ({ events }) =>
      events[0]?.type === 'resync' && events[0].entries.size === 5
        ? undefined
        : 'the first event does not hold the 5 keys that start with a or b*',
  },
  {
    name: 'one prefix lies within the other: each key is told once',
    plays: ['S19'],
    keeps: ['I4', 'I11'],
    steps: [
      write({ 'a/1': 1, 'a/b/1': 1, c: 1 }),
      subscribe('a/', 'a/b/'),
      told,
      write({ 'a/b/1': 2, 'a/2': 1 }),
      told,
    ],
  },
  {
    name: 'keys and values of every kind come back as they were written',
    plays: ['S19'],
    keeps: ['I4', 'I14'],
    steps: [
      write({ 'odd/with space': 1, 'odd/"quoted"': 1, 'odd/*?[x]': 1, 'odd/\\': 1, 'odd/%41': 1, 'odd//': 1 }),
      write({ 'odd/\u00fcn\u00ef-\u65e5\u672c-\u{1f600}': 1, 'odd/:@!,>~': 1, '': 1 }),
      subscribe(),
      told,
      write({ 'odd/*?[x]': 2, 'odd/%41': undefined, 'odd/"quoted"': '"', '': 2 }),
      write({ empty: '', zero: 0, no: false, nothing: null, list: [], record: {}, text: '\u00fc \u{1f600} "\\' }),
      told,
      write({ '': undefined, empty: undefined, nothing: 1 }),
      told,
    ],
  },
  ...races,
  {
    name: 'two subscriptions know nothing of each other, and one goes on when the other is over',
    keeps: ['I2'],
    steps: [
      write({ x: 1 }),
      subscribe(),
      told,
      write({ x: 2 }),
      subscribe(),
      told,
      write({ x: 3, y: 1 }),
      told,
      unsubscribe(0),
      write({ x: undefined, y: 2 }),
      told,
    ],
  },
];
