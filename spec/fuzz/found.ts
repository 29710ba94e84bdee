import type { Behaviour, Script, Step } from './script.ts';
import type { Combination } from './world.ts';

/** A script that once found a bug, and what it found. */
export interface Found {
  readonly found: string;
  readonly combination: Combination;
  readonly script: Script;
}

const put = (key: string, value: string): Step => ({ do: 'put', key, value });
const remove = (key: string): Step => ({ do: 'delete', key });
const lateFail = (back: number): Step => ({ do: 'lateFail', back });
const script = (steps: Script['steps'], more: Partial<Script> = {}): Script => ({
  behaviours: [],
  inFlight: 1,
  queue: 0,
  onNack: 'report',
  steps,
  ...more,
});
const done: Behaviour = { says: 'done', applied: 'all', delay: 0 };
const nothing: Behaviour = { says: 'nothing', applied: 'all', delay: 0 };
const fails: Behaviour = { says: 'fail', applied: 'none', delay: 0 };
const never: Behaviour = { says: 'nothing', applied: 'none', delay: Number.POSITIVE_INFINITY };
const failsLate: Behaviour = { says: 'fail', applied: 'none', delay: 200 };

/** The shortest scripts that the soak found; each failed before its mend. */
export const found: readonly Found[] = [
  {
    found: 'a key told after the resync that is failed late, and whose deletion was thrown away, was not named',
    combination: { handOver: 'diffed', pipeline: 'buffer + filter + ack', dynamic: false },
    script: script([
      [0, put('/a/3', 'BAD')],
      [150, { do: 'cutAndCompact' }],
      [0, remove('/a/3')],
      [150, put('/a/1', '1')],
      [0, put('/a/3', '1')],
      [20, put('/b/1', '1')],
      [0, lateFail(3)],
      [0, remove('/a/3')],
      [150, remove('/a/1')],
      [0, { do: 'cutAndCompact' }],
    ]),
  },
  {
    found: 'as above, the key rejected and gone within one connection',
    combination: { handOver: 'diffed', pipeline: 'buffer + ack', dynamic: false },
    script: script([
      [0, put('/b/1', 'BAD')],
      [0, { do: 'cut' }],
      [20, remove('/b/1')],
      [30, put('/a/1', '1')],
      [20, put('/a/1', '1')],
      [5, lateFail(0)],
      [1, put('/a/1', '1')],
      [0, put('/b/1', '1')],
      [1, remove('/b/1')],
      [0, lateFail(1)],
      [0, remove('/a/1')],
    ]),
  },
  {
    found: 'a resync amended by the buffer and failed late was told again with a value that was thrown away',
    combination: { handOver: 'diffed', pipeline: 'buffer + ack', dynamic: true },
    script: script(
      [
        [0, { do: 'prefixes', prefixes: ['/ab/'] }],
        [20, put('/ab/1', '2')],
        [0, { do: 'cutAndCompact' }],
        [0, remove('/ab/1')],
        [150, put('/a/1', '1')],
        [150, put('/ab/1', '1')],
        [0, remove('/ab/1')],
        [0, lateFail(1)],
        [150, remove('/a/1')],
      ],
      { inFlight: 128, behaviours: [nothing, failsLate] },
    ),
  },
  {
    found: 'a validator judged the status before a wipe by the store after it',
    combination: { handOver: 'pinned', pipeline: 'buffer + ack', dynamic: true },
    script: script(
      [
        [2, put('/a/1', '1')],
        [1, remove('/a/1')],
        [1, { do: 'cut' }],
        [0, { do: 'wipe' }],
        [150, put('/a/1', 'BAD')],
      ],
      { behaviours: [{ says: 'fail', applied: 'none', delay: 5 }] },
    ),
  },
  {
    found: 'a validator forgot, of a resync failed late twice, that the key was absent at first',
    combination: { handOver: 'pinned', pipeline: 'buffer + filter + ack', dynamic: false },
    script: script(
      [
        [0, put('/b/2', '1')],
        [0, put('/a/1', '1')],
        [0, lateFail(2)],
        [
          0,
          {
            do: 'txn',
            writes: [
              ['/b/2', '1'],
              ['/a/1', undefined],
            ],
          },
        ],
        [150, put('/a/1', '1')],
        [0, put('/b/2', '1')],
        [0, lateFail(1)],
        [0, { do: 'cutAndCompact' }],
      ],
      { behaviours: [done, { ...failsLate, delay: 0 }, nothing, done, nothing, failsLate] },
    ),
  },
  {
    found: 'a resync failed late, for which the buffer had thrown a change away, was told again with that value (wipe)',
    combination: { handOver: 'pinned', pipeline: 'buffer + filter + ack', dynamic: false },
    script: script(
      [
        [0, { do: 'writeInside', key: '/a/1', value: '1' }],
        [0, put('/b/1', '1')],
        [0, { do: 'wipe' }],
        [
          1500,
          {
            do: 'txn',
            writes: [
              ['/b/1', '3'],
              ['/a/1', undefined],
            ],
          },
        ],
        [0, lateFail(0)],
      ],
      { inFlight: 128, behaviours: [never, done, { ...done, delay: 700 }, never] },
    ),
  },
  {
    found: 'as above, after other prefixes',
    combination: { handOver: 'pinned', pipeline: 'buffer + filter + ack', dynamic: true },
    script: script(
      [
        [0, put('/b/2', '1')],
        [0, { do: 'prefixes', prefixes: [''] }],
        [0, put('/a/1', '1')],
        [0, put('/a/1', '1')],
        [0, remove('/b/2')],
        [0, put('/a/1', '3')],
        [0, { do: 'prefixes', prefixes: ['/a'] }],
        [150, remove('/a/1')],
        [0, lateFail(0)],
        [0, { do: 'prefixes', prefixes: [] }],
        [20, put('/a/1', '1')],
        [0, lateFail(0)],
      ],
      {
        inFlight: 5,
        behaviours: [
          done,
          { ...done, delay: 1 },
          { ...failsLate, delay: 0 },
          done,
          { ...done, delay: 1 },
          { ...done, delay: 700 },
        ],
      },
    ),
  },
  {
    found: 'as above, with values that cannot be decoded',
    combination: { handOver: 'windowed', pipeline: 'buffer + ack', dynamic: false },
    script: script(
      [
        [0, put('/a/2', '2')],
        [0, { do: 'wipe' }],
        [150, put('/a/1', '1')],
        [0, put('/a/2', 'BAD')],
        [1500, remove('/a/2')],
        [0, lateFail(0)],
        [0, put('/a/2', '1')],
        [0, remove('/a/1')],
      ],
      { inFlight: 128, behaviours: [never, { ...failsLate, delay: 0 }, done, failsLate] },
    ),
  },
  {
    found: 'as above, after a resync that failed in time',
    combination: { handOver: 'windowed', pipeline: 'buffer + filter + ack', dynamic: true },
    script: script(
      [
        [0, put('/a/1', '1')],
        [0, { do: 'prefixes', prefixes: [] }],
        [0, remove('/a/1')],
        [0, { do: 'prefixes', prefixes: [''] }],
        [150, put('/a/1', '3')],
        [0, lateFail(1)],
        [0, remove('/a/1')],
      ],
      { behaviours: [{ ...failsLate, delay: 0 }, done, { ...done, delay: 1 }, never] },
    ),
  },
  {
    found: 'a validator took the revision of a last good value of before a wipe for one of the store after it',
    combination: { handOver: 'pinned', pipeline: 'buffer + ack', dynamic: false },
    script: script(
      [
        [0, put('/a/1', '1')],
        [150, put('/a/1', '1')],
        [0, { do: 'wipe' }],
        [0, put('/a/1', 'BAD')],
        [150, remove('/a/1')],
        [0, put('/a/2', '1')],
        [0, { do: 'cutAndCompact' }],
      ],
      { behaviours: [{ ...done, delay: 1 }, done, failsLate] },
    ),
  },
  {
    found: 'a late failure took what a first listing after no prefixes had brought for told',
    combination: { handOver: 'windowed', pipeline: 'buffer + filter + ack', dynamic: true },
    script: script(
      [
        [150, { do: 'prefixes', prefixes: [''] }],
        [0, put('/ab/1', '1')],
        [0, put('/a/2', '1')],
        [0, remove('/a/2')],
        [150, put('/a/1', '1')],
        [0, put('/a/1', '2')],
        [0, { do: 'prefixes', prefixes: [] }],
        [
          0,
          {
            do: 'txn',
            writes: [
              ['/ab/1', '3'],
              ['/a/1', undefined],
            ],
          },
        ],
        [150, { do: 'prefixes', prefixes: [''] }],
        [0, remove('/ab/1')],
        [0, lateFail(3)],
        [0, { do: 'cut' }],
      ],
      { inFlight: 2, behaviours: [done, nothing, done, { ...done, delay: 1 }, done, { ...done, delay: 1 }, never] },
    ),
  },
  {
    found: 'a failed resync that failed once more, late, took back what a later one had told well',
    combination: { handOver: 'pinned', pipeline: 'buffer + ack', dynamic: false },
    script: script(
      [
        [0, put('/a/1', '1')],
        [0, { do: 'txn', writes: [['/b/1', '1']] }],
        [1500, remove('/a/1')],
        [20, { do: 'writeInside', key: '/a/1', value: '1' }],
        [0, put('/b/1', '1')],
        [1500, { do: 'txn', writes: [['/a/1', undefined]] }],
        [150, lateFail(1)],
        [0, put('/a/1', 'BAD')],
        [0, put('/a/1', '1')],
        [
          0,
          {
            do: 'txn',
            writes: [
              ['/b/1', '1'],
              ['/a/1', undefined],
            ],
          },
        ],
        [150, { do: 'txn', writes: [['/a/1', undefined]] }],
      ],
      { behaviours: [fails, fails, fails, fails, fails, fails, fails, done, done, done, never] },
    ),
  },
];
