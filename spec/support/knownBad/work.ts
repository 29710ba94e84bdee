import { concatMap, type MonoTypeOperatorFunction, map, timer } from 'rxjs';
import { ackWithCallback, type DatasyncEvent, type WorkResult } from '../../../lib/index.ts';
import type { World } from './play.ts';

/** Works on each event as told, and keeps the results to itself. */
export function work(
  world: World,
  handler: (event: DatasyncEvent<string>) => WorkResult,
): MonoTypeOperatorFunction<DatasyncEvent<string>> {
  const recorded = world.history.work('consumer', handler);
  return (source) =>
    source.pipe(
      ackWithCallback<string>({ resync: recorded, change: recorded }),
      map(({ event }) => event),
    );
}

/** Takes `ms` over each resync, and fails on those of some epochs. */
export function slowly(ms: number, fails: readonly number[] = []): (event: DatasyncEvent<string>) => WorkResult {
  return (event) => {
    if (event.type === 'change') return undefined;
    const outcome = (): void => {
      if (fails.includes(event.epoch)) throw new Error('failed');
    };
    return timer(ms).pipe(concatMap(() => [outcome()]));
  };
}

/** Fails on changes that delete, at once or after a while. */
export function failsOnDeletes(isFailing: () => boolean): (event: DatasyncEvent<string>) => void {
  return (event) => {
    if (event.type === 'change' && isFailing() && event.changes.some(({ op }) => op === 'delete'))
      throw new Error('failed');
  };
}
