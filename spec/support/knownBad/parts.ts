import { outcomes } from '../../../lib/model/ack.ts';
import type { ChangesFrame } from '../../../lib/source/frames.ts';
import { faults } from '../../../lib/testing/index.ts';
import { same } from '../../../lib/testing/validators/same.ts';
import { HandLoop } from './handLoop.ts';
import { badBackend, type KnownBad, play } from './play.ts';

/** What is late, or was told already, is dropped; where it holds something else, everything is read again. */
export function isKnown(loop: HandLoop, { changes, revision = 0, settled }: ChangesFrame<unknown>): boolean {
  if (revision > loop.revision) return false;
  const isHeld = changes.every((change) => {
    const item = change.op === 'put' ? loop.decode(change, revision) : undefined;
    return same(item, loop.told.get(change.key)) || loop.rejected.has(change.key);
  });
  settled?.(outcomes.superseded);
  if (revision === loop.revision && !isHeld) loop.relist('inconsistent');
  return true;
}

class ReadsAgain extends HandLoop {
  override takeChanges(frame: ChangesFrame<unknown>): void {
    if (!isKnown(this, frame)) super.takeChanges(frame);
  }
}

/** The second part of a transaction has the revision of the first: it counts as told. */
class DropsRest extends HandLoop {
  override takeChanges(frame: ChangesFrame<unknown>): void {
    if ((frame.revision ?? 0) > this.revision) super.takeChanges(frame);
    else frame.settled?.(outcomes.superseded);
  }
}

/** What looks like what is known already: a transaction that comes in parts, and another history. */
export const parts: readonly KnownBad[] = [
  {
    name: 'the rest of a transaction that came in parts counts as told',
    breaks: ['I45', 'I13', 'I18'],
    adapter: { Loop: DropsRest, isTrusting: true },
    play: (variant) =>
      play((world) => {
        const { history, store } = world;
        const torn = faults.split(world.backend(), { times: 1 });
        // Even who reads everything again has told the first part by itself.
        const place = variant === 'bad' ? {} : { exempt: { I13: 'the backend tears the transaction' } };
        world.run(world.source(variant === 'bad' ? DropsRest : ReadsAgain, torn).pipe(history.tap('source', place)));
        world.at(10, () => store.write({ x: '1', y: '1' }));
      }),
  },
  badBackend(
    'a position is a number: a restored backup that is written on goes unnoticed',
    ['I18', 'I19', 'I23'],
    (world) => world.backend({ watch: ({ from }) => world.store.watch(world.store.taken(from)) }),
    (world) => {
      const { store } = world;
      store.write({ x: '1', y: '1' });
      const restore = store.backup();
      store.write({ y: '2' });
      world.at(50, () => {
        restore();
        store.write({ x: '2' });
        store.write({ x: '3' });
      });
    },
  ),
];
