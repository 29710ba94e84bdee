import { concatMap, map, type Observable, of } from 'rxjs';
import type { RawChange } from '../../source/frames.ts';
import { type Listed, type Listing, namesOf } from './answers.ts';
import { entriesOf } from './hidden.ts';
import { consistent } from './http.ts';
import { prefixFault } from './keys.ts';
import type { Known } from './known.ts';
import { Part, type PartContext, top } from './part.ts';
import type { ShrinkGuard } from './shrinkGuard.ts';

/** The looks at the sub-prefixes. */
export interface Below {
  /** How many there are. */
  readonly size: number;
  /** Those that do not wait by themselves. */
  resting(): readonly Part[];
}

/**
 * What lies directly under a prefix that is split: the sub-prefixes, which others look at, and the keys between them.
 *
 * The index of its names moves with everything below.
 */
export class Directory extends Part {
  /** The sub-prefixes that were there at the last look. */
  subs: ReadonlySet<string> = new Set();
  /** What the last look means for who does not wait by himself. */
  below: 'unchanged' | 'changed' | 'unknown' = 'unchanged';
  readonly #separator: string;
  readonly #below: Below;

  constructor(context: PartContext, known: Known, guard: ShrinkGuard | undefined, separator: string, below: Below) {
    super(context, known, guard);
    this.#separator = separator;
    this.#below = below;
  }

  override get due(): number | undefined {
    const all = [super.due, ...this.#below.resting().map(({ due }) => due)].filter((due) => due !== undefined);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  override next(): Observable<readonly RawChange[]> {
    return this.wait(top(this.#separator), (answer, isEarly) => {
      const isNews = this.isNews(answer);
      this.below = isNews ? 'changed' : isEarly ? 'unknown' : 'unchanged';
      return this.below === 'unchanged' && this.trouble === undefined ? of([]) : this.readAll();
    });
  }

  protected override list(): Observable<Listing> {
    const { prefix } = this.known;
    return this.read({ ...top(this.#separator), ...consistent }).pipe(
      concatMap((answer) => {
        const { index, names, mangled } = namesOf(this.what, answer);
        // The next one is held to this one.
        this.isNews(answer);
        const [subs, keys, entries]: [Set<string>, string[], Listed[]] = [new Set(), [], []];
        const isKeyName = (name: string): boolean => name === prefix || !name.endsWith(this.#separator);
        for (const name of names.filter((each) => each.startsWith(prefix))) {
          const isKey = isKeyName(name);
          const fault = isKey ? undefined : faultOf(name);
          if (fault !== undefined) entries.push({ Key: name, Value: null, ModifyIndex: 0, fault });
          else if (isKey) keys.push(name);
          else subs.add(name);
        }
        for (const name of mangled) {
          const fault = `${isKeyName(name) ? 'the key' : 'what lies under'} ${JSON.stringify(name)} is not UTF-8 in Consul: it is shown with U+FFFD, and cannot be read by this name`;
          entries.push({ Key: name, Value: null, ModifyIndex: 0, fault });
        }
        this.subs = subs;
        const { client, limits } = this.context;
        return entriesOf(client, keys, limits).pipe(map((values) => ({ index, entries: [...values, ...entries] })));
      }),
    );
  }

  protected override isNothing(listing: Listing): boolean {
    return super.isNothing(listing) && this.subs.size === 0 && this.#below.size === 0;
  }
}

/** Why what lies under a name cannot be asked for. */
function faultOf(name: string): string | undefined {
  const fault = prefixFault(name);
  return (
    fault &&
    `what lies under ${JSON.stringify(name)} cannot be asked for, since it ${fault}; without \`split\` it is told`
  );
}
