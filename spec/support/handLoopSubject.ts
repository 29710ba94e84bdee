import { Observable } from 'rxjs';
import type { DatasyncEvent } from '../../lib/index.ts';
import type { KeyValue } from '../../lib/model/values.ts';
import type { ChangesFrame, RawEntry } from '../../lib/source/frames.ts';
import { type Ability, type ConformanceConfig, History, type SourceSubject } from '../../lib/testing/index.ts';
import { HandLoop } from './knownBad/handLoop.ts';
import { isKnown } from './knownBad/parts.ts';
import { type Adapter, capabilities, World } from './knownBad/play.ts';

/** The source written by hand, or one with a defect, under the conformance suite. */
export function handLoopSubject({
  Loop = HandLoop,
  backend,
  claims = [],
  isTrusting = false,
}: Adapter = {}): SourceSubject<World> {
  const cannot: Partial<Record<Ability, string>> = {
    limits: 'the loop by hand takes whatever comes',
    resyncAfterReconnect: 'the loop by hand has no such option',
    silence: 'the loop by hand waits for ever',
    status: 'the loop by hand says nothing of itself',
  };
  for (const ability of claims) delete cannot[ability];
  return {
    name: 'by hand',
    capabilities,
    time: 'virtual',
    cannot,
    // The suite has a history of its own.
    open: () => new World(new History()),
    write: ({ store }, writes) => {
      const texts = writes.map((write) => [
        write.key,
        write.op === 'put' ? new TextDecoder().decode(write.value) : undefined,
      ]);
      return store.write(Object.fromEntries(texts) as Record<string, string | undefined>);
    },
    source: (world, config, { observed }) =>
      new Observable<DatasyncEvent<unknown>>((subscriber) => {
        const Decoding = decodingBy(Loop, config, isTrusting);
        const { prefixes } = config;
        const fixed = prefixes instanceof Observable ? undefined : prefixes;
        const given = observed(backend?.(world) ?? world.backend());
        const loop = new Decoding(given, subscriber as never, fixed);
        subscriber.add(config.resyncOn?.subscribe({ next: () => loop.request(), error: () => undefined }));
        if (fixed !== undefined) return loop.connect();
        let isFirst = true;
        subscriber.add(
          (prefixes as Observable<readonly string[]>).subscribe((list) => {
            if (isFirst) {
              isFirst = false;
              loop.prefixes = list;
              loop.connect();
            } else loop.rewatch(list);
          }),
        );
      }),
    faults: {
      disconnect: ({ store }) => store.cut(),
      backup: ({ store }) => store.backup(),
      compact: ({ store }) => store.compact(),
      wipe: ({ store }) => {
        store.wipe();
        store.cut();
      },
    },
  };
}

/** The loop decodes texts, and what the suite writes is JSON; it believes its backend, and the suite sends frames twice. */
function decodingBy(Loop: typeof HandLoop, { codec }: ConformanceConfig, isTrusting: boolean): typeof HandLoop {
  return class extends Loop {
    override takeChanges(frame: ChangesFrame<unknown>): void {
      if (isTrusting || !isKnown(this, frame)) super.takeChanges(frame);
    }

    override decode(entry: RawEntry, revision: number): KeyValue<string> | undefined {
      if (!('value' in entry)) return undefined;
      const { key } = entry;
      try {
        return { key, value: codec.decode(entry.value, key) as string, revision: entry.revision ?? revision };
      } catch {
        return undefined;
      }
    }
  };
}
