import { Observable, timer } from 'rxjs';
import type { Backend, Frame } from '../../../lib/source/frames.ts';
import { HandLoop } from './handLoop.ts';
import { capabilities, type KnownBad, play, type World } from './play.ts';
import { frameOf, type TinyRecord } from './tinyStore.ts';

/** Armed first, then listed, then what was announced meanwhile: as values, which may be older than the listing, or read again. */
const window = ({ store }: World, isReplayed: boolean): Backend => ({
  name: 'window',
  capabilities: counted,
  open: () =>
    new Observable<Frame>((subscriber) => {
      const announced: TinyRecord[] = [];
      let isListed = false;
      const tell = ({ revision, writes }: TinyRecord): void => {
        const now = Object.fromEntries(Object.keys(writes).map((key) => [key, store.entries.get(key)?.value] as const));
        const { changes } = frameOf({ revision, writes: isReplayed ? writes : now });
        subscriber.next({ type: 'changes', changes, coalesced: true });
      };
      subscriber.add(store.records.subscribe((record) => (isListed ? tell(record) : announced.push(record))));
      subscriber.add(
        timer(50).subscribe(() => {
          subscriber.next({ type: 'page', entries: store.page().entries });
          subscriber.next({ type: 'snapshot' });
          isListed = true;
          for (const record of announced) tell(record);
        }),
      );
    }),
});

const counted = {
  ...capabilities,
  handOver: 'windowed',
  order: 'key',
  atomic: 'none',
  resume: 'none',
  revision: 'subscription',
} as const;

/** A loop for a store without revisions: it counts. */
class Counting extends HandLoop {
  #count = 0;

  override take(frame: Frame): void {
    super.take(frame.type === 'snapshot' || frame.type === 'changes' ? { ...frame, revision: ++this.#count } : frame);
  }
}

/** A message that carries a value, and no version of it, is no announcement. */
export const replayedWindow: KnownBad = {
  name: 'trial: a window that replays values',
  breaks: ['I19'],
  play: (variant) =>
    play(
      (world) => {
        world.run(world.source(Counting, window(world, variant === 'bad')).pipe(world.history.tap('source')));
        world.writes(10, { x: '1' }, { x: '2' });
        world.writes(100, { x: '3' });
      },
      { capabilities: counted },
    ),
};
