import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../../lib/backends/memory/memoryStore.ts';
import { del, put, text } from './helpers.ts';

const key = fc.constantFrom('a', 'a/x', 'a/y', 'b', 'b/x');
const write = fc.oneof(
  fc.record({ key, value: fc.constantFrom('1', '2', '') }).map((pair) => put(pair.key, pair.value)),
  key.map(del),
);
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ type: fc.constant('apply' as const), writes: fc.array(write, { maxLength: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('compact' as const), back: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'wipe' as const }) },
);

describe('memoryStore, against whole copies of its past', () => {
  it('holds, lists and tells what the writes say', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom('', 'a', 'a/'),
        fc.constantFrom(2, 5, 1_000),
        (steps, prefix, history) => {
          const store = memoryStore({ history });
          // One Map per revision: `past[r]` is the state at revision r.
          let past = [new Map<string, string>()];
          let compacted = 0;
          let followed = new Map<string, string>();
          const follow = (): void => {
            followed = new Map();
            store.records(store.position).subscribe({
              next: ({ changes }) => {
                for (const change of changes) {
                  if (change.op === 'delete') followed.delete(change.key);
                  else if ('value' in change) followed.set(change.key, text(change.value));
                }
              },
              error: follow,
            });
          };
          follow();

          for (const todo of steps) {
            if (todo.type === 'apply') {
              const next = new Map(past.at(-1));
              const before = past.at(-1)!;
              const touched = new Set(todo.writes.map((one) => one.key));
              for (const one of todo.writes) {
                if (one.op === 'put') next.set(one.key, text(one.value));
                else next.delete(one.key);
              }
              if ([...touched].some((name) => before.has(name) || next.has(name))) past.push(next);
              store.apply(todo.writes);
              compacted = Math.max(compacted, past.length - 1 - history);
            } else if (todo.type === 'compact') {
              const to = Math.max(0, past.length - 1 - todo.back);
              store.compact(to);
              compacted = Math.max(compacted, to);
            } else {
              store.wipe();
              past = [new Map()];
              compacted = 0;
            }
            expect(store.revision).toBe(past.length - 1);
            expect(store.compacted).toBe(compacted);
            expect(followed).toEqual(past.at(-1));
          }

          past.forEach((state, at) => {
            const listed = (): string[] =>
              store.entries(prefix, at).map((entry) => `${entry.key}=${text(entry.value)}`);
            const expected = [...state]
              .filter(([name]) => name.startsWith(prefix))
              .sort()
              .map(([name, value]) => `${name}=${value}`);
            if (at < compacted) expect(listed).toThrow('compacted');
            else expect(listed()).toEqual(expected);
          });
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });
});
