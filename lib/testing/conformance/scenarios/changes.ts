import type { Scenario } from '../scenario.ts';
import { inside, later, subscribe, told, write } from '../script.ts';

/** What is told afterwards. */
export const changes: readonly Scenario[] = [
  {
    name: 'keys are made, changed, deleted and made again',
    keeps: ['I9', 'I10', 'I11', 'I12', 'I14', 'I15', 'I18'],
    steps: [
      write({ x: 1, y: 1 }),
      subscribe(),
      told,
      write({ x: 2 }),
      told,
      write({ z: 1 }),
      write({ y: undefined }),
      told,
      write({ y: 2 }),
      write({ x: undefined }),
      write({ x: 3 }),
      told,
    ],
  },
  {
    name: 'many writes of one key, nobody waits in between',
    keeps: ['I12', 'I14', 'I19'],
    steps: [
      subscribe(),
      told,
      ...Array.from({ length: 30 }, (_, n) => write(n % 7 === 3 ? { x: undefined } : { x: n })),
      told,
    ],
  },
  {
    name: 'a transaction is one event',
    keeps: ['I13'],
    unless: ({ atomic }) => (atomic === 'none' ? 'atomic: none' : undefined),
    steps: [
      write({ x: 1, y: 1 }),
      subscribe(),
      told,
      write({ x: 2, y: undefined, z: 1 }),
      write({ x: undefined, y: 2, z: undefined }),
      told,
    ],
  },
  {
    name: 'a put of the value that is there is told: it is a write',
    keeps: ['I16'],
    unless: ({ revision }) =>
      revision === 'store' ? undefined : 'revision: subscription (an equal put has no revision of its own)',
    steps: [write({ x: 1 }), subscribe(), told, write({ x: 1 }), write({ x: 1 }), told],
    check: ({ events }) =>
      events.filter(({ type }) => type === 'change').length >= 2 ? undefined : 'an equal put was not told',
  },
  {
    name: 'writes elsewhere are not told, and the status goes on',
    keeps: ['I4', 'I17'],
    needs: ['status'],
    steps: [
      subscribe('a/'),
      told,
      ...Array.from({ length: 12 }, (_, n) => write({ [`b/${n}`]: n })),
      write({ 'a/1': 1 }),
      told,
    ],
  },
  {
    name: 'the consumer writes to the store inside next',
    keeps: ['I11', 'I12', 'I14'],
    steps: [
      write({ x: 1 }),
      inside('write x:2', (stage) => stage.writeMeanwhile({ x: 2 })),
      subscribe(),
      told,
      inside('write x and y', (stage) => {
        stage.writeMeanwhile({ x: 4, y: 1 });
        stage.inside = () => stage.writeMeanwhile({ y: undefined });
      }),
      write({ x: 3 }),
      told,
      later(100),
    ],
  },
];
