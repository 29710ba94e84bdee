import type { Scenario } from '../scenario.ts';
import { request, subscribe, told, until, write } from '../script.ts';
import { bad } from '../values.ts';
import { outage } from './outage.ts';

/** What cannot be decoded. */
export const values: readonly Scenario[] = [
  {
    name: 'a bad value in the first resync; it is mended, and other keys flow',
    plays: ['S17'],
    keeps: ['I40'],
    steps: [write({ x: bad, y: 1 }), subscribe(), told, write({ y: 2 }), told, write({ x: 1 }), told],
  },
  {
    name: 'a good value turns bad, stays bad, and is mended; another is deleted while it is bad',
    plays: ['S17'],
    keeps: ['I34', 'I40', 'I15'],
    steps: [
      write({ x: 1, y: 1 }),
      subscribe(),
      told,
      write({ x: bad, y: bad }),
      told,
      write({ x: bad, z: 1 }),
      told,
      write({ x: 1, y: undefined }),
      told,
    ],
  },
  {
    name: 'a key that never had a good value is deleted',
    plays: ['S17'],
    keeps: ['I15', 'I40'],
    steps: [subscribe(), told, write({ x: bad }), told, write({ x: undefined }), told, write({ x: 1 }), told],
  },
  {
    name: 'a resync is asked for while a value is bad: its last good value stays',
    plays: ['S17'],
    keeps: ['I40'],
    needs: ['resyncOn'],
    steps: [
      write({ x: 1, y: 1 }),
      subscribe(),
      told,
      write({ x: bad }),
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
  {
    name: 'a value turns bad, and another good, while nobody looks',
    plays: ['S17', 'S5'],
    keeps: ['I40', 'I21'],
    needs: ['frames', 'reconnect'],
    fault: outage.fault,
    steps: [
      write({ x: 1, y: bad, z: 1 }),
      subscribe(),
      told,
      outage.begins,
      write({ x: bad, y: 1, z: bad }),
      write({ z: undefined }),
      outage.ends,
      told,
      write({ x: 2 }),
      told,
    ],
  },
];
