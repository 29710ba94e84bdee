import { describe, expect, it } from 'vitest';
import { ChangeEvent, ResyncEvent } from '../../lib/model/events.ts';
import { Snapshot } from '../../lib/model/snapshot.ts';

const resync = (from: string): ResyncEvent<number> =>
  ResyncEvent.of<number>({}, 1).with({ entries: new Snapshot([{ key: 'x', value: 1, revision: 1, from }]) });
const change = (from: string): ChangeEvent<number> =>
  ChangeEvent.of<number>([{ op: 'put', key: 'x', value: 1, prevValue: undefined, revision: 2, from }], 2);

describe('whose a value is', () => {
  it('counts in deep equality', () => {
    expect(resync('files')).toEqual(resync('files'));
    expect(resync('files')).not.toEqual(resync('memory'));
    expect(change('files')).toEqual(change('files'));
    expect(change('files')).not.toEqual(change('memory'));
  });

  it('stands in JSON, and only where it is said', () => {
    expect(JSON.parse(JSON.stringify(resync('files')))).toMatchObject({ entries: [{ key: 'x', from: 'files' }] });
    expect(JSON.parse(JSON.stringify(change('files')))).toMatchObject({ changes: [{ key: 'x', from: 'files' }] });
    expect(JSON.stringify([ResyncEvent.of({ x: 1 }, 1), ChangeEvent.put('x', 1, 2)])).not.toContain('from');
  });

  it('stays where an event is derived', () => {
    const event = change('files').with({ epoch: 3 });
    expect(event.changes[0]).toHaveProperty('from', 'files');
  });
});
