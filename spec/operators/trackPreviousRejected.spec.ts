import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { DatasyncError } from '../../lib/model/errors.ts';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import type { Rejected } from '../../lib/model/values.ts';
import { toState } from '../../lib/operators/toState.ts';
import { trackPrevious } from '../../lib/operators/trackPrevious.ts';
import { notation } from '../../lib/testing/notation.ts';
import { collect, type Event, event } from './support.ts';

const error = new DatasyncError('DECODE_FAILED', 'bad');
const bad = (key: string): Rejected<number> => ({ key, raw: Uint8Array.of(0), error });

/** As a list says it, which remembers nothing: what cannot be decoded is in `rejected` only. */
const list = (values: Record<string, number>, revision: number, ...keys: string[]) =>
  ResyncEvent.of(values, revision, { rejected: keys.map(bad) });
const watched = (key: string, revision: number) => ChangeEvent.of<number>([], revision, { rejected: [bad(key)] });

function tracked(...events: Event[]): Event[] {
  const got: Event[] = [];
  of(...events)
    .pipe(trackPrevious())
    .subscribe((one) => got.push(one));
  return got;
}

describe('trackPrevious and values that cannot be decoded', () => {
  it('a rejected change names the last good value', () => {
    const [, second, third] = tracked(list({ x: 1 }, 1), watched('x', 2), watched('y', 3));
    expect(second).toMatchObject({ changes: [], rejected: [{ key: 'x', lastGood: 1, error }] });
    expect(third!.rejected).toEqual([bad('y')]);
  });

  it('the previous value after it is the last good one', () => {
    const [, , third] = tracked(list({ x: 1 }, 1), watched('x', 2), ChangeEvent.put('x', 3, 3));
    expect(notation.format(third)).toBe('x:1>3@3');
  });

  it('a deletion after it is told; of a key that never was good once', () => {
    const got = tracked(
      list({ x: 1 }, 1),
      watched('x', 2),
      watched('y', 3),
      ChangeEvent.delete('x', 4),
      ChangeEvent.delete('y', 5),
      ChangeEvent.delete('y', 6),
    );
    expect(got.slice(3).map(notation.format)).toEqual(['!x:1@4', '!y@5']);
    expect(tracked(list({}, 1, 'z'), ChangeEvent.delete('z', 2), ChangeEvent.delete('z', 3))).toHaveLength(2);
  });

  it('a resync that rejects a key keeps its last good value: never a deletion', () => {
    const [, second, third] = tracked(list({ x: 1, y: 1 }, 1), list({ y: 1 }, 2, 'x'), list({ y: 1 }, 3, 'x'));
    for (const resync of [second, third] as ResyncEvent<number>[]) {
      expect(resync.diff).toMatchObject({ added: [], changed: [{ key: 'y' }], removed: [] });
      expect(resync.entries.get('x')).toEqual({ key: 'x', value: 1, revision: 1 });
      expect(resync.rejected).toEqual([{ ...bad('x'), lastGood: 1 }]);
    }
    const states = of(list({ x: 1 }, 1), list({}, 2, 'x')).pipe(trackPrevious(), toState());
    expect(collect(states).got).toEqual(['{x:1}', '|']);
  });

  it('a key that was never good is absent, and rejected', () => {
    const [first] = tracked(list({ y: 1 }, 1, 'x')) as ResyncEvent<number>[];
    expect([first!.entries.has('x'), first!.rejected]).toEqual([false, [bad('x')]]);
  });

  it('a key that is neither listed nor rejected any more is removed', () => {
    const [, , third] = tracked(list({ x: 1 }, 1), list({}, 2, 'x'), list({}, 3));
    expect(notation.format(third)).toBe('{!x:1}@3');
  });

  it('recovery is always told, also with the value that was the last good one', () => {
    const again = event('{x:1@3}@4');
    const [, , third, fourth] = tracked(list({ x: 1 }, 1), watched('x', 2), list({ x: 1 }, 3), again);
    expect([third, fourth].map(notation.format)).toEqual(['{x:1>1}@3', '{=x:1@3}@4']);
    const [, , after] = tracked(list({ x: 1 }, 1), list({}, 2, 'x'), list({ x: 1 }, 3));
    expect(notation.format(after)).toBe('{x:1>1}@3');
    // Where the history went back, values count and not revisions: recovery is told all the same.
    const [, , back] = tracked(list({ x: 1 }, 5), list({}, 6, 'x'), event('{x:1}@3 regressed'));
    expect(notation.format(back)).toBe('{x:1>1}@3 regressed');
    const [, , , put] = tracked(list({ x: 1 }, 1), watched('x', 2), ChangeEvent.put('x', 1, 3), event('{x:1@3}@4'));
    expect(notation.format(put)).toBe('{=x:1@3}@4');
  });

  it('what a source keeps by itself is left as it is', () => {
    const rejected = [{ ...bad('x'), lastGood: 1 }];
    const resync = ResyncEvent.of({ x: 1 }, 2, { rejected });
    const [, second] = tracked(list({ x: 1 }, 1), resync) as ResyncEvent<number>[];
    expect(second!.rejected).toEqual(rejected);
    expect(second!.entries).toBe(resync.entries);
  });
});
