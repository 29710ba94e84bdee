import { lastValueFrom } from 'rxjs';
import { bytesCodec } from '../../lib/codecs/bytesCodec.ts';
import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { Codec } from '../../lib/model/codec.ts';
import { inTurns, Listing } from './listing.ts';
import { bytesHeld, interleaved, median, type Watched, watched } from './measure.ts';
import { type Difference, type Mirror, mapMirror, sourceMirror } from './mirror.ts';
import { below, type Figure, type Goal, units } from './table.ts';

interface Runs {
  readonly first: Watched;
  readonly again: Watched;
}

/** Lists everything, then again with 1 % changed. */
async function run(mirror: Mirror, first: Listing, second: Listing): Promise<Runs> {
  const read = async (listing: Listing, expected: Difference): Promise<Watched> => {
    let found: Difference | undefined;
    const result = await watched(async () => {
      found = await mirror.read(listing);
    });
    // A wrong answer is fast.
    if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`found ${JSON.stringify(found)}`);
    return result;
  };
  const { size } = first;
  const thousandth = size / 1_000;
  const result = {
    first: await read(first, { size, added: size, changed: 0, removed: 0 }),
    again: await read(second, { size, added: thousandth, changed: 8 * thousandth, removed: thousandth }),
  };
  mirror.close();
  return result;
}

/** What it costs to copy and decode the pages, which ours and the peer do in their times both. */
async function pagesAlone(listing: Listing): Promise<Runs> {
  const first = await watched(async () => {
    await lastValueFrom(inTurns(listing));
  });
  return { first, again: first };
}

/** Time, stall and peak memory of a resync and of a re-list. */
export async function resync(quick: boolean): Promise<Figure[]> {
  const size = quick ? 100_000 : 1_000_000;
  const listings = [Listing.first(size), Listing.second(size)] as const;
  const figures: Figure[] = [];
  for (const codec of [jsonCodec(), bytesCodec as Codec<unknown>]) {
    const runs = await interleaved<Runs>(5, {
      ours: () => run(sourceMirror(codec), ...listings),
      theirs: () => run(mapMirror(codec), ...listings),
      pages: () => pagesAlone(listings[0]),
    });
    const figure = (what: string, unit: Figure['unit'], of: (runs: Runs) => number, goal?: Goal): Figure => {
      const middle = (who: string): number => median(runs[who]!.map(of));
      return { what, unit, ours: middle('ours'), peer: 'plain Map', theirs: middle('theirs'), goal };
    };
    const { milliseconds, megabytes } = units;
    const stall = below(50, milliseconds);
    const name = `${codec.name}, ${size.toLocaleString('en')} keys`;
    const pages = median(runs['pages']!.map(({ first }) => first.ms));
    figures.push(
      figure(`${name}: resync (${milliseconds(pages)} for the pages alone)`, milliseconds, ({ first }) => first.ms),
      figure('  longest stall', milliseconds, ({ first }) => first.stall, stall),
      figure('  peak memory', megabytes, ({ first }) => first.peak),
      figure(`${name}: re-list, 1 % changed`, milliseconds, ({ again }) => again.ms, below(2_000, milliseconds)),
      figure('  longest stall', milliseconds, ({ again }) => again.stall, stall),
      figure('  peak memory', megabytes, ({ again }) => again.peak),
    );
  }
  return figures;
}

/** What a key that is followed costs as long as it is. */
export async function memory(quick: boolean): Promise<Figure[]> {
  const size = quick ? 100_000 : 1_000_000;
  const listing = Listing.first(size);
  const figures: Figure[] = [];
  for (const codec of [jsonCodec(), bytesCodec as Codec<unknown>]) {
    const held = async (mirror: Mirror): Promise<number> => {
      const before = bytesHeld();
      await mirror.read(listing);
      // The handler's event is let go of only when the operator has returned.
      await new Promise(setImmediate);
      const bytes = (bytesHeld() - before) / size;
      mirror.close();
      return bytes;
    };
    const results = await interleaved(5, {
      ours: () => held(sourceMirror(codec)),
      theirs: () => held(mapMirror(codec)),
    });
    figures.push({
      what: `${codec.name}, a tracked key of ${size.toLocaleString('en')}`,
      unit: units.bytes,
      ours: median(results['ours']!),
      peer: 'plain Map',
      theirs: median(results['theirs']!),
    });
  }
  return figures;
}
