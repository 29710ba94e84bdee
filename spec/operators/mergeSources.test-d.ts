import { ackWithCallback, bufferDuringResync, mergeSources, type Source, shareResync } from 'rx-datasync';
import { of } from 'rxjs';
import { expectTypeOf, it } from 'vitest';

declare const files: Source<{ n: number }>;
declare const memory: Source<string>;

it('mergeSources knows the values of all', () => {
  const merged = mergeSources({ files, memory: { source: memory, wait: 5, onError: 'status' } });
  expectTypeOf(merged).toEqualTypeOf<Source<{ n: number } | string>>();
});

it('the handlers get the values, and whose they are', () => {
  mergeSources({ files, memory }).pipe(
    shareResync(),
    bufferDuringResync(),
    ackWithCallback({
      resync: ({ entries }) => {
        expectTypeOf(entries.items[0]?.value).toEqualTypeOf<{ n: number } | string | undefined>();
      },
      change: ({ changes }) => {
        expectTypeOf(changes[0]?.from).toEqualTypeOf<string | undefined>();
      },
    }),
  );
});

it('may be merged again', () => {
  const inner = mergeSources({ files, other: files });
  expectTypeOf(mergeSources({ inner, files })).toEqualTypeOf<Source<{ n: number }>>();
});

it('wants sources', () => {
  // @ts-expect-error a number is no event
  mergeSources({ files, numbers: of(1) });
  // @ts-expect-error no such option
  mergeSources({ files }, { waits: 1 });
});
