import { describe, expect, it } from 'vitest';
import { DatasyncError } from '../../lib/model/errors.ts';
import { ChangeEvent, own, ResyncEvent } from '../../lib/model/events.ts';
import { recordedAck } from './support.ts';

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const text = (value: string) => new TextEncoder().encode(value);
const notText = Uint8Array.of(0xff, 0xfe, 0x00, 0x01);

describe('JSON.stringify of events', () => {
  it('shows all data of a resync, its entries sorted', () => {
    const event = ResyncEvent.of({ y: 1, x: null }, 7).with({
      diff: {
        added: [{ key: 'y', value: 1, revision: 7 }],
        changed: [{ key: 'x', value: null, revision: 7, prevValue: 3 }],
        removed: [{ key: 'z', prevValue: 4 }],
      },
    });
    expect(json(event)).toEqual({
      type: 'resync',
      epoch: 0,
      revision: 7,
      reason: 'initial',
      prefixes: [''],
      entries: [
        { key: 'x', value: null, revision: 7 },
        { key: 'y', value: 1, revision: 7 },
      ],
      diff: {
        added: [{ key: 'y', value: 1, revision: 7 }],
        changed: [{ key: 'x', value: null, revision: 7, prevValue: 3 }],
        removed: [{ key: 'z', prevValue: 4 }],
      },
      rejected: [],
    });
  });

  it('shows all data of a change', () => {
    const event = ChangeEvent.of<number>(
      [
        { op: 'put', key: 'x', value: 1, prevValue: 0, revision: 8 },
        { op: 'put', key: 'y', value: 1, prevValue: undefined, revision: 8 },
        { op: 'delete', key: 'z', prevValue: 2, revision: 8 },
      ],
      8,
      { coalesced: true },
    );
    expect(json(event)).toEqual({
      type: 'change',
      epoch: 0,
      revision: 8,
      changes: [
        { op: 'put', key: 'x', value: 1, prevValue: 0, revision: 8 },
        { op: 'put', key: 'y', value: 1, revision: 8 },
        { op: 'delete', key: 'z', prevValue: 2, revision: 8 },
      ],
      rejected: [],
      coalesced: true,
    });
  });

  it('writes bytes as text, or base64 where they are not UTF-8', () => {
    const resync = ResyncEvent.of({ x: text('grün'), y: notText, z: text('') }, 1);
    expect(json(resync)).toMatchObject({
      entries: [{ value: 'grün' }, { value: { base64: '//4AAQ==' } }, { value: '' }],
      diff: { added: [{ value: 'grün' }, { value: { base64: '//4AAQ==' } }, { value: '' }] },
    });
    const change = ChangeEvent.of(
      [
        { op: 'put', key: 'x', value: notText, prevValue: text('old'), revision: 2 },
        { op: 'delete', key: 'y', prevValue: notText, revision: 2 },
      ],
      2,
    );
    expect(json(change)).toMatchObject({
      changes: [
        { value: { base64: '//4AAQ==' }, prevValue: 'old' },
        { op: 'delete', prevValue: { base64: '//4AAQ==' } },
      ],
    });
  });

  it('shows what was rejected: the bytes, the error, and the last good value', () => {
    const cause = new SyntaxError('Unexpected token');
    const error = new DatasyncError('DECODE_FAILED', 'not JSON', {
      cause,
      backend: 'memory',
      key: 'x',
      line: 2,
      column: 1,
    });
    const rejected = [
      { key: 'x', raw: text('{'), error, lastGood: 1 },
      { key: 'y', raw: undefined, error },
      { key: 'z', raw: notText, error, lastGood: null },
    ];
    const written = {
      name: 'DatasyncError',
      code: 'DECODE_FAILED',
      message: '[rx-datasync/memory] not JSON',
      backend: 'memory',
      key: 'x',
      line: 2,
      column: 1,
      cause: { name: 'SyntaxError', message: 'Unexpected token' },
    };
    const expected = [
      { key: 'x', raw: '{', error: written, lastGood: 1 },
      { key: 'y', error: written },
      { key: 'z', raw: { base64: '//4AAQ==' }, error: written, lastGood: null },
    ];
    expect(json(ResyncEvent.of({}, 1, { rejected }))).toMatchObject({ rejected: expected });
    expect(json(ChangeEvent.of([], 2, { rejected }))).toMatchObject({ rejected: expected });
    expect(json(ChangeEvent.of([], 2, { rejected }))).not.toHaveProperty('rejected.1.lastGood');
  });

  it('writes last good bytes as text', () => {
    const error = new DatasyncError('DECODE_FAILED', 'bad');
    const event = ChangeEvent.of([], 2, { rejected: [{ key: 'x', raw: undefined, error, lastGood: text('good') }] });
    expect(json(event)).toMatchObject({ rejected: [{ lastGood: 'good' }] });
  });

  it('shows nothing of the ack', () => {
    const event = ChangeEvent.put('x', 1, 2);
    expect(JSON.stringify(own(ChangeEvent.put('x', 1, 2), recordedAck().ack))).toBe(JSON.stringify(event));
  });
});
