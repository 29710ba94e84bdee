import type { ConformanceReport } from './subject.ts';

/** What no script can show of one source over any store. */
const elsewhere: Readonly<Record<string, string>> = {
  S14: 'a group of consumers: proven with orderedResync',
  S16: 'a source keeps no token for the next process: that of a consumer which stores one is judged with History.token',
  S18: 'what happens to files: proven with the backend of files',
  S23: 'what happens to one store only: proven with its backend',
};

/** `I1` … `I45`, `S1` … `S25`. */
const all: readonly string[] = [
  ...Array.from({ length: 45 }, (_, index) => `I${index + 1}`),
  ...Array.from({ length: 25 }, (_, index) => `S${index + 1}`),
];

/** What several scenarios found out together: what one of them shows is shown. */
export class Findings {
  readonly #kept = new Set<string>();
  readonly #failed = new Set<string>();
  readonly #skipped = new Map<string, Set<string>>();
  readonly #ids: readonly string[];

  /** @param ids what must stand in the report, one way or the other */
  constructor(ids: readonly string[] = all) {
    this.#ids = ids;
  }

  keep(id: string): void {
    this.#kept.add(id);
  }

  /** What one scenario broke is not kept because another one did not. */
  fail(id: string): void {
    this.#failed.add(id);
  }

  skip(id: string, reason: string): void {
    this.#skipped.set(id, (this.#skipped.get(id) ?? new Set()).add(reason));
  }

  report(backend: string, version: string): ConformanceReport {
    const kept = [...this.#kept].filter((id) => !this.#failed.has(id)).sort(natural);
    // Nothing is left out in silence.
    const skipped = [...new Set([...this.#ids, ...this.#skipped.keys(), ...this.#failed])]
      .filter((id) => !kept.includes(id))
      .map((id) => ({ invariant: id, reason: this.#reasons(id) }))
      .sort((a, b) => natural(a.invariant, b.invariant));
    return { backend, version, invariants: kept, skipped };
  }

  #reasons(id: string): string {
    if (this.#failed.has(id)) return 'its test failed';
    const reasons = [...(this.#skipped.get(id) ?? [])];
    if (reasons.length > 0) return reasons.join('; ');
    return elsewhere[id] ?? 'its test did not run';
  }
}

function natural(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
