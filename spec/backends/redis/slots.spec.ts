import { describe, expect, it } from 'vitest';
import { checkSameSlot, slotOf } from '../../../lib/backends/redis/slots.ts';
import { failureOf } from '../../support/failureOf.ts';

const slot = (key: string) => slotOf(Buffer.from(key));

describe('the slots of a cluster', () => {
  it.each([
    ['123456789', 0x31c3],
    ['foo', 12_182],
    ['', 0],
    ['{user1000}.following', 3_443],
    ['foo{}{bar}', 8_363],
  ])('%j lies in slot %d', (key, expected) => expect(slot(key)).toBe(expected));

  it('only the first tag counts, and only where something is in it', () => {
    expect(slot('{a}x')).toBe(slot('a'));
    expect(slot('x{a}{b}')).toBe(slot('a'));
    expect(slot('{a')).not.toBe(slot('a'));
  });

  it('says which keys lie apart', () => {
    const check = (names: readonly string[]) =>
      checkSameSlot(
        'commit',
        names,
        names.map((name) => Buffer.from(name)),
      );
    expect(() => check(['{a}1', '{a}2', '{a}3'])).not.toThrow();
    expect(failureOf(() => check(['{a}1', '{a}2', 'b']))).toMatchObject({ code: 'UNSUPPORTED' });
    expect(() => check(['{a}1', '{a}2', 'b'])).toThrow('"{a}1" (slot 15495) and "b" (slot 3300) lie apart');
  });
});
