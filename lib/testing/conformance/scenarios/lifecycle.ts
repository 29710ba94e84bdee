import { tap } from 'rxjs';
import { faults } from '../../faults.ts';
import type { Scenario } from '../scenario.ts';
import {
  consumer,
  inside,
  later,
  request,
  subscribe,
  subscribeDynamic,
  told,
  unsubscribe,
  until,
  watch,
  write,
} from '../script.ts';
import type { Stage } from '../stage.ts';
import { outage } from './outage.ts';

/** What every script of this file does until it is cut off; then somebody else begins anew. */
const story = [
  write({ x: 2 }),
  write({ y: undefined, z: 1 }),
  later(30),
  write({ x: undefined }),
  write({ x: 3, z: 2 }),
  later(30),
  write({ y: 1 }),
];

const begun = [write({ x: 1, y: 1 }), subscribe()];
const anew = [unsubscribe(), subscribe(), told, write({ x: 9 }), told];

/** Over, in the middle of something that would go on by itself; no timer may be left to do so. */
const over = [
  unsubscribe(),
  {
    text: 'nothing is left',
    run: ({ time }: Stage): void => {
      if (time !== undefined && time.timers > 0) throw new Error(`I42: timers that are left: ${time.timers}`);
    },
  },
  consumer('done'),
  later(1_000),
  ...anew,
];

const unsubscribedWhile: readonly Scenario[] = [
  {
    name: 'unsubscribed while a failed resync waits to be told again',
    plays: ['S15'],
    keeps: ['I42', 'I2'],
    needs: ['redelivery'],
    steps: [write({ x: 1 }), consumer('fail'), subscribe(), later(5), ...over],
  },
  {
    name: 'unsubscribed while a resync that was asked for waits',
    plays: ['S15'],
    keeps: ['I42', 'I2'],
    needs: ['resyncOn'],
    steps: [...begun, told, request, request, later(5), ...over],
  },
  {
    name: 'unsubscribed while events are open, and others wait',
    plays: ['S15'],
    keeps: ['I33', 'I42', 'I2'],
    needs: ['limits'],
    delivery: { inFlight: 2, queue: 3 },
    steps: [...begun, told, consumer('hold'), ...story, write({ x: 4 }), later(5), ...over],
  },
];

/** Beginnings, ends, and what changes in between by the user's will. */
export const lifecycle: readonly Scenario[] = [
  {
    name: 'unsubscribed at once, before anything can have come',
    plays: ['S15'],
    keeps: ['I42', 'I2'],
    steps: [write({ x: 1 }), subscribe(), unsubscribe(), write({ x: 2 }), later(1_000), subscribe(), told],
  },
  ...[1, 2, 3, 4, 5].map(
    (nth): Scenario => ({
      name: `unsubscribed inside event ${nth}`,
      plays: ['S15'],
      keeps: ['I42', 'I2'],
      steps: [
        write({ x: 1, y: 1 }),
        inside(`count to ${nth}`, function count(stage) {
          if (stage.events.length >= nth) stage.unsubscribe();
          else stage.inside = count;
        }),
        subscribe(),
        ...story,
        later(1_000),
        inside('nothing', () => undefined),
        ...anew,
      ],
    }),
  ),
  ...[1, 2, 3, 4, 5, 6].map(
    (nth): Scenario => ({
      name: `unsubscribed before the backend's frame ${nth}`,
      plays: ['S15'],
      keeps: ['I42', 'I2'],
      needs: ['frames'],
      fault: (backend, stage) => {
        let seen = 0;
        return faults.with(backend, (frames) => frames.pipe(tap(() => ++seen === nth && stage.unsubscribe())));
      },
      steps: [...begun, ...story, later(1_000), ...anew],
    }),
  ),
  ...unsubscribedWhile,
  {
    name: 'prefixes come and go',
    keeps: ['I4', 'I8', 'I29', 'I21'],
    needs: ['prefixes'],
    steps: [
      write({ 'a/1': 1, 'b/1': 1, 'c/1': 1 }),
      subscribeDynamic('a/'),
      told,
      watch('a/', 'b/'),
      told,
      write({ 'a/1': 2, 'b/1': 2, 'c/1': 2 }),
      told,
      watch('b/', 'c/'),
      write({ 'a/1': undefined, 'b/1': undefined }),
      told,
      watch(),
      told,
      write({ 'c/1': 3 }),
      watch('c/', 'a/'),
      told,
      watch(''),
      told,
    ],
  },
  {
    name: 'prefixes change while the connection is broken',
    plays: ['S3'],
    keeps: ['I4', 'I20', 'I21'],
    needs: ['prefixes', 'frames', 'reconnect'],
    fault: outage.fault,
    steps: [
      write({ 'a/1': 1, 'b/1': 1 }),
      subscribeDynamic('a/', 'b/'),
      told,
      outage.begins,
      write({ 'a/1': undefined, 'b/1': 2 }),
      watch('b/', 'c/'),
      write({ 'c/1': 1 }),
      later(500),
      outage.ends,
      told,
    ],
  },
  {
    name: 'a resync is asked for: everything is read again, once',
    keeps: ['I5', 'I39', 'I8'],
    needs: ['resyncOn'],
    steps: [
      write({ x: 1, y: 1 }),
      subscribe(),
      told,
      request,
      until('the resync that was asked for', ({ events }) =>
        events.some((event) => event.type === 'resync' && event.reason === 'requested')
          ? undefined
          : 'no such resync yet',
      ),
      write({ x: 2 }),
      told,
    ],
  },
];
