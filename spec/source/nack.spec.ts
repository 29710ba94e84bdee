import { describe, expect, it } from 'vitest';
import { failure, type Outcome, outcomes, worse } from '../../lib/model/ack.ts';
import { DatasyncError } from '../../lib/model/errors.ts';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { nackOf } from '../../lib/source/nack.ts';

const change = ChangeEvent.put('x', 1, 11);
const resync = ResyncEvent.of({ x: 1 }, 10, { epoch: 2 });
const both = (...errors: unknown[]): Outcome => errors.map((error) => failure(error)).reduce(worse);

describe('the NACKED of a status quotes the reason', () => {
  it.each<[string, ChangeEvent<number> | ResyncEvent<number>, Outcome, string]>([
    ['one error: its message', change, failure(new Error('no')), 'the change at revision 11 failed ("x"): no'],
    ['a text', change, failure('no'), 'the change at revision 11 failed ("x"): no'],
    ['no reason at all', change, failure(undefined), 'the change at revision 11 failed ("x")'],
    ['null, which somebody said', change, failure(null), 'the change at revision 11 failed ("x"): null'],
    [
      'what has no text',
      change,
      failure(Object.create(null)),
      'the change at revision 11 failed ("x"): [object Object]',
    ],
    [
      'an error of the library, without saying twice whose it is',
      change,
      failure(new DatasyncError('UNREADABLE', 'gone', { backend: 'files' })),
      'the change at revision 11 failed ("x"): gone',
    ],
    [
      'several: the first, and how many more',
      change,
      both(new Error('no'), new Error('never'), 'nor I'),
      'the change at revision 11 failed ("x"): no, and 2 more',
    ],
    ['the keys that were named', change, failure('no', { keys: ['a'] }), 'the change at revision 11 failed ("a"): no'],
    ['a resync', resync, failure('no'), 'the resync of epoch 2 failed: no'],
    ['a resync, with keys', resync, failure('no', { keys: ['a', 'b'] }), 'the resync of epoch 2 failed ("a", "b"): no'],
    ['a time-out has none', change, outcomes.timedOut, 'the change at revision 11 timed out ("x")'],
    ['nor what was cut off', resync, outcomes.cancelled, 'the resync of epoch 2 was cut off inside the pipeline'],
  ])('%s', (_, event, outcome, message) => {
    expect(nackOf(event, outcome)).toMatchObject({ code: 'NACKED', message: `[rx-datasync] ${message}` });
  });

  it('keeps it as the cause, all of several', () => {
    const no = new Error('no');
    expect(nackOf(change, failure(no)).cause).toBe(no);
    expect(nackOf(change, both(no, 'never')).cause).toMatchObject({ errors: [no, 'never'] });
    expect(nackOf(change, outcomes.timedOut)).not.toHaveProperty('cause');
  });
});
