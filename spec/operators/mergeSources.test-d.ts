import { ackWithCallback, bufferDuringResync, mergeSources, type Source, shareResync } from 'rx-datasync';
import { of } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const files: Source<{ n: number }>;
declare const memory: Source<string>;

it('mergeSources knows the values of all, and the names', () => {
  const merged = mergeSources({ files, memory: { source: memory, wait: 5, onError: 'status' } });
  expectTypeOf(merged).toEqualTypeOf<Source<{ n: number } | string, 'files' | 'memory'>>();
  merged.subscribe((event) => {
    if (event.type === 'change') expectTypeOf(event.changes[0]?.from).toEqualTypeOf<'files' | 'memory' | undefined>();
    else expectTypeOf(event.entries.get('x')?.from).toEqualTypeOf<'files' | 'memory' | undefined>();
  });
});

it('the names go down to the handlers', () => {
  mergeSources({ files, memory }).pipe(
    shareResync(),
    bufferDuringResync(),
    ackWithCallback({
      resync: ({ entries }) => {
        expectTypeOf(entries.items[0]?.from).toEqualTypeOf<'files' | 'memory' | undefined>();
      },
      change: ({ changes }) => {
        // @ts-expect-error there is no such source
        changes.some(({ from }) => from === 'etcd');
      },
    }),
  );
});

it('may be merged again', () => {
  const inner = mergeSources({ files, other: files });
  expectTypeOf(mergeSources({ inner, files })).toEqualTypeOf<Source<{ n: number }, 'inner' | 'files'>>();
});

it('wants sources', () => {
  // @ts-expect-error a number is no event
  mergeSources({ files, numbers: of(1) });
  // @ts-expect-error no such option
  mergeSources({ files }, { waits: 1 });
});
