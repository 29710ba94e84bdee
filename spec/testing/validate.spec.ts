import { describe, expect, it } from 'vitest';
import { ChangeEvent, DatasyncError, ResyncEvent } from '../../lib/index.ts';
import { type Invariant, inspect, validate } from '../../lib/testing/index.ts';
import { validators } from '../../lib/testing/validate.ts';
import { read, sources } from '../support/imports.ts';
import { knownBad } from '../support/knownBad/index.ts';
import { capabilities } from '../support/knownBad/play.ts';
import { Told } from '../support/told.ts';

const all = Object.keys(validators) as Invariant[];
const isSeen = (invariant: Invariant): boolean => !('cannot' in validators[invariant]);

describe('the table of validators', () => {
  it('has every promise of the contract, once', () => {
    expect(all).toEqual(Array.from({ length: 45 }, (_, index) => `I${index + 1}`));
  });

  it('says of each what it promises', () => {
    for (const { says } of Object.values(validators)) expect(says).not.toBe('');
  });

  it.each(all.filter(isSeen))('%s fails for an adapter that breaks it, and passes where it was judged', (invariant) => {
    const adapters = knownBad.filter(({ breaks }) => breaks.includes(invariant));
    expect(adapters.flatMap(({ play }) => play('bad').violations.map((found) => found.invariant))).toContain(invariant);
    expect(adapters.flatMap(({ play }) => play('good').checked)).toContain(invariant);
  });

  it.each(all.filter((invariant) => !isSeen(invariant)))('%s says how to see it', (invariant) => {
    const text = expect.stringMatching(/./) as string;
    expect(validators[invariant]).toMatchObject({ cannot: text, instead: text });
    expect(read('spec/testing/history.spec.ts'), 'and is seen there').toContain(`(${invariant})`);
  });

  it('no page of the library cites a spec: a reader of the package has none', () => {
    const files = sources('lib');
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((file) => /\bspec\//.test(read(file)))).toEqual([]);
  });
});

describe('inspect', () => {
  it('names every promise as judged, or as skipped with a reason', () => {
    const { checked, skipped } = inspect(Told.of('= x:1@1 ; {x:1}@1').history, capabilities);
    expect([...checked, ...skipped.map(({ invariant }) => invariant)].sort()).toEqual([...all].sort());
    for (const { reason } of skipped) expect(reason).not.toBe('');
  });

  it('says which capability switches a promise off', () => {
    const { skipped } = inspect(Told.of('{}@1').history, { ...capabilities, atomic: 'none', resume: 'none' });
    expect(skipped).toContainEqual({ invariant: 'I13', reason: 'atomic: none' });
    expect(skipped).toContainEqual({ invariant: 'I26', reason: 'resume: none' });
  });

  it('judges nothing at a raw place, and leaves out what a place is exempt from', () => {
    expect(Told.of('at raw ; x:1@1').broken).toEqual([]);
    const { history } = Told.of('quiet');
    history.add({
      type: 'subscribe',
      stream: 9,
      place: 'source',
      options: { name: 'other', exempt: { I5: 'a test' } },
    });
    history.quiet();
    const { violations, skipped } = inspect(history, capabilities);
    expect(violations.map(({ message }) => message)).not.toContainEqual(expect.stringContaining('other'));
    expect(skipped).toContainEqual({ invariant: 'I5', reason: 'at other: a test' });
  });

  it('gives violations in order, with the step and words that help', () => {
    const { history } = Told.of('= x:1@1 ; {x:1}@1 ; x:1>2@3 ; x:2>3@2');
    const message = 'source: x = 2 is told for revision 3, but nothing was written there';
    expect(validate(history, capabilities)[0]).toEqual({ invariant: 'I19', step: 5, message });
  });
});

/** One line each: what | the promises that are broken | the script of {@link Told}. */
function cases(table: string): void {
  const rows = table
    .trim()
    .split('\n')
    .map((line) => line.split(' | ').map((cell) => cell.trim()));
  it.each(rows)('%s', (_what, broken = '', script = '') => {
    expect(Told.of(script).broken.join(' ')).toBe(broken);
  });
}

describe('snapshots', () => {
  cases(`
    what was there                       |     | = x:1@1 ; = y:1@2 ; {x:1@1 y:1@2}@2
    a key too few                        | I4  | = x:1@1 ; = y:1@2 ; {x:1@1 y:1@2}@2 ; {=x:1@1 !y:1}@2 requested
    a key too few, absent shortly before | I3  | = x:1@1 ; {x:1}@1 ; = y:1@2 ; {=x:1@1}@2 requested
    a value of another time              | I3  | = x:1@1 ; = x:2@2 ; {x:1@1}@2
    a key with another revision          | I3  | = x:1@1 ; = y:1@2 ; {x:1 y:1}@2
    a key elsewhere                      | I4  | under x ; {y:1}@1
    other prefixes than are watched      | I4  | watching x ; {}@1
    only keys under the prefixes         |     | under x ; = x1:1@1 ; = y1:1@2 ; {x1:1@1}@2
    nothing in the end                   | I5  | quiet
    a second initial resync              | I5  | {}@1 ; {}@1
    empty, and full again at once        | I8  | {x:1}@1 ; {!x:1}@1 requested ; +x:1@2
    empty, because it was                |     | = x:1@1 ; {x:1}@1 ; = !x@2 ; {!x:1}@2 requested ; = x:1@3 ; +x:1@3
    after a wipe                         |     | = x:1@1 ; = y:1@2 ; {x:1@1 y:1@2}@2 ; = {}@0 ; {!x:1 !y:1}@0 regressed ; = x:2@1 ; +x:2@1
    counted: what the store once held    |     | counted ; = x:1@7 ; = x:2@8 ; {x:1}@1 ; ~x:1>2@2
    counted: back in time                | I19 | counted ; = x:1@7 ; = x:2@8 ; {x:2}@1 ; ~x:2>1@2
    counted: what it never held          | I19 | counted ; = x:1@7 ; {x:5}@1
    counted: two times in one answer     | I3  | counted diffed ; = x:1,y:1@1 ; = x:2@2 ; = y:2@3 ; {x:1 y:2}@1
    counted: two times in one scan       |     | counted ; = x:1,y:1@1 ; = x:2@2 ; = y:2@3 ; {x:1 y:2}@1
  `);
});

describe('changes', () => {
  cases(`
    one by one                           |     | = x:1@1 ; {x:1}@1 ; = x:2@2 ; = !x@3 ; x:1>2@2 ; !x:2@3
    one is missing                       | I10 | = x:1@1 ; {x:1}@1 ; = x:2@2 ; = x:3@3 ; x:1>3@3
    one is missing of another prefix     |     | under x ; = x:1@1 ; {x:1}@1 ; = y:2@2 ; = x:3@3 ; x:1>3@3
    coalesced                            |     | = x:1@1 ; {x:1}@1 ; = x:2@2 ; = y:1@3 ; = x:3@4 ; ~x:1>3@4,+y:1@3@4
    coalesced, and not all               | I32 | = x:1@1 ; {x:1}@1 ; = x:2@2 ; = y:1@3 ; ~x:1>2@2@3
    coalesced: made and gone again       |     | = x:1@1 ; {x:1}@1 ; = y:1@2 ; = !y@3 ; = x:2@4 ; ~x:1>2@4
    coalesced: gone and made again       |     | = x:1@1 ; {x:1}@1 ; = !x@2 ; = x:2@3 ; ~x:1>2@3
    an equal put is missing              | I16 | = x:1@1 ; {x:1}@1 ; = x:1@2 ; = y:1@3 ; +y:1@3
    compacted, and skipped               | I24 | = x:1@1 ; {x:1}@1 ; = x:2@2 ; = x:3@3 ; compacted 2 ; x:1>3@3
    half a transaction                   | I13 | {}@0 ; = x:1,y:1@1 ; +x:1@1
    a transaction in parts               | I13 | {}@0 ; +x:1@1 ; +y:1@1
    a transaction in parts, declared     |     | parts ; {}@0 ; +x:1@1 ; +y:1@1
    at the revision of the resync        | I9  | {x:1}@5 ; x:1>2@5
    twice                                | I11 | {}@0 ; +x:1@1 ; x:1>1@1
    once in each of two epochs           |     | {}@0 ; +x:1@1 ; {=x:1}@1 requested ; x:1>2@2
    out of order                         | I12 | {}@0 ; +x:1@2 ; +y:1@1
    out of order, one key                | I12 | {}@0 ; +x:1@2 ; x:1>2@1
    a value of another revision          | I19 | = x:1@1 ; {x:1}@1 ; = x:2@2 ; = x:3@3 ; x:1>3@2
    counted: a step without a word       | I10 | counted ; = x:1@1 ; {x:1}@1 ; = x:2@2 ; = x:3@3 ; x:1>3@2
    counted: a delete that never was     | I15 | counted ; = x:1@1 ; {x:1}@1 ; ~!x:1@2
  `);

  it('does not pass a change with nothing in it', () => {
    const told = Told.of('{x:1}@1').tell(ChangeEvent.put('x', 2, 2), { type: 'applied' }, { changes: [] });
    expect(told.step('= x:1@1').broken).toEqual(['I32']);
  });
});

describe('what is said of the past', () => {
  cases(`
    a wrong previous value               | I14 | {x:1}@1 ; x:3>2@2
    no previous value                    | I14 | {x:1}@1 ; x:2@2
    a delete of what was told            |     | {x:1}@1 ; !x:1@2
    a delete of what was never told      | I15 | {x:1}@1 ; !y@2
    a delete of what was only rejected   |     | {x:?}@1 ; !x@2
    a second one                         | I15 | {x:?}@1 ; !x@2 ; !x@3
    a diff that is right                 |     | {x:1 y:1}@1 ; {x:1>2 +z:1@3 !y:1}@3 requested
    a change that is not named           | I14 | {x:1}@1 ; {=x:2@2}@2 requested
    a new key that is not named          | I14 | {}@1 ; {=x:2@2}@2 requested
    a deleted key that is not named      | I21 | {x:1}@1 ; {}@2 requested
    another key of equal content         | I22 | = x:1@1 ; {x:1}@1 ; = !x@2 ; = x:1@3 ; {=x:1@3}@3 requested
    the same key, put again              |     | = x:1@1 ; {x:1}@1 ; = x:1@2 ; {=x:1@2}@2 requested
    made again, and not named            | I22 | = x:1@1 ; {x:1}@1 ; = !x@2 ; = x:2@3 ; {=x:2@3}@3 requested
    a wrong previous value in a diff     | I14 | {x:1}@1 ; {x:3>2}@2 requested
    a new key that is old                | I14 | {x:1}@1 ; {+x:2}@2 requested
    a key of which nothing is new        | I14 | {x:1}@1 ; {x:1>1@1}@2 requested
    the same below an operator           |     | at below ; {x:1}@1 ; {x:1>1@1 !y:1}@2 requested
    hand-made events promise neither     |     | epoch 0 ; {x:1}@1 ; x:2@2 ; {x:3}@3
  `);
});

describe('failures', () => {
  cases(`
    a failed delete is named again       |     | {x:1 y:1}@1 ; !x:1@2 failed ; {!x:1 =y:1@1}@2 nacked
    a failed delete is forgotten         | I21 | {x:1 y:1}@1 ; !x:1@2 failed ; {=y:1@1}@2 nacked
    a failed put is named, though equal  |     | {x:1}@1 ; x:1>2@2 failed ; {x:1>2}@2 nacked
    a failed put is forgotten            | I14 | {x:1}@1 ; x:1>2@2 failed ; {=x:2}@2 nacked
    a previous value told since          |     | {x:1}@1 ; x:1>2@2 failed ; x:2>3@3 ; {x:2>3}@3 nacked
    a previous value never told          | I14 | {x:1}@1 ; x:1>2@2 failed ; {x:7>2}@2 nacked
    a failed create, and gone since      |     | {}@1 ; +x:1@2 failed ; !x:1@3 ; {!x:1}@3 nacked
    named until it is settled well       | I21 | {x:1 y:1}@1 ; !x:1@2 failed ; {!x:1 =y:1@1}@2 nacked failed ; {=y:1@1}@2 nacked
    and no longer                        |     | {x:1 y:1}@1 ; !x:1@2 failed ; {!x:1 =y:1@1}@2 nacked ; {=y:1@1}@2 requested
    failed after the resync was told     | I21 | {x:1 y:1}@1 ; !x:1@2 open ; {=y:1@1}@2 requested open ; say failed 1 ; say applied ; {=y:1@1}@2 requested
    a late fail counts                   | I21 | {x:1 y:1}@1 ; !x:1@2 ; late failed ; {=y:1@1}@2 nacked
    a change thrown away is no failure   |     | {x:1}@1 ; x:1>2@2 superseded ; {=x:2}@2 requested
    a resync thrown away is one          | I14 | {x:1}@1 superseded ; {=x:1@1}@1 requested
    a time-out is one                    | I14 | {x:1}@1 timedOut ; {=x:1@1}@1 nacked
    a change behind a failed resync      | I30 | at buffered ; {}@1 failed ; +x:1@2
    behind one that failed late          | I30 | at buffered ; {}@1 ; late failed ; +x:1@2
    behind an open one                   | I30 | at buffered ; {}@1 open ; +x:1@2 ; say applied 1
    behind one that nobody claimed       |     | at buffered ; {}@1 delivered ; +x:1@2
    behind an open one, at the source    |     | {}@1 open ; +x:1@2 ; say applied 1
    more open than allowed               | I31 | limit 1 ; {}@1 ; +x:1@2 open ; x:1>2@3 open
    two resyncs open                     | I31 I39 | {}@1 open ; {}@1 requested open
    never settled                        | I33 | {}@1 open ; quiet
    never settled, on purpose            |     | {}@1 open ; held
  `);
});

describe('bad values', () => {
  cases(`
    bad, and good again                  |     | = x:1@1 ; {x:1}@1 ; = x:?@2 ; x:1?@2 ; = x:1@3 ; x:1>1@3
    good again in a resync               |     | = x:1@1 ; {x:1}@1 ; = x:?@2 ; x:1?@2 ; = x:1@3 ; {x:1>1}@3 requested
    good again, and not named            | I40 | {x:1}@1 ; x:1?@2 ; {=x:1@1}@3 requested
    told as deleted                      | I40 | = x:1@1 ; {x:1}@1 ; = x:?@2 ; !x:1@2
    not told at all                      | I40 | = x:1@1 ; {x:1}@1 ; = x:?@2 ; {=x:1@1}@2 requested
    another last good value than shown   | I40 | {x:1}@1 ; x:2?@2
  `);

  const gone = { diff: { added: [], changed: [], removed: [{ key: 'x', prevValue: 1 }] } };
  const { rejected } = Told.of('{x:?}@3').history.steps.flatMap((step) =>
    step.type === 'event' ? [step.event] : [],
  )[0]!;
  const bad = ResyncEvent.of({}, 3, { reason: 'requested', rejected });

  it('does not let the last good value go', () => {
    expect(Told.of('{x:1}@1').tell(bad, { type: 'applied' }, gone).broken).toEqual(['I40']);
  });

  it('lets it go where the key had been deleted', () => {
    expect(Told.of('= x:1@1 ; {x:1}@1 ; = !x@2 ; = x:?@3').tell(bad, { type: 'applied' }, gone).broken).toEqual([]);
  });
});

describe('breaks and ends', () => {
  cases(`
    back without a word                  | I23 | {x:1}@5 ; {x:1>2}@3 reconnected
    back, and says so                    |     | {x:1}@5 ; {x:1>2}@3 regressed ; x:2>3@4
    an epoch that nothing began          | I20 | {}@1 ; epoch 2 ; +x:1@2
    an epoch left out                    | I20 | {}@1 ; epoch 3 ; {}@1 requested
    not there in the end                 | I18 | {}@0 ; = x:1@1 ; quiet
    not there for who follows the diffs  | I14 I18 | {}@0 ; = x:1@1 ; {=x:1@1}@1 requested ; quiet
    not there, behind a failed resync    |     | at buffered ; {}@0 failed ; = x:1@1 ; quiet
    open after the unsubscribe           | I42 | {}@0 open ; unsubscribe
  `);

  it('wants a code on the error that ends a source', () => {
    expect(Told.of('{}@0').error(new Error('boom')).broken).toEqual(['I43']);
    expect(Told.of('{}@0').error(new DatasyncError('FATAL', 'over')).broken).toEqual([]);
  });
});
