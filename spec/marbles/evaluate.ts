import { asyncScheduler, type Observable, tap } from 'rxjs';
import { History } from '../../lib/testing/history.ts';
import { differences, type MarbleFrame } from '../../lib/testing/marbleDifferences.ts';
import { expectedFrames, runMarbles } from '../../lib/testing/runMarbles.ts';
import type { Diagram } from './parse.ts';
import { inputsOf, type Operator, play, scopeOf } from './scope.ts';

/**
 * Runs a diagram in virtual time and compares what comes out of each stage with the row under it. The pipeline is
 * subscribed once: each row shows what passes there while the stages below do their work.
 *
 * @throws Error that says file, line, expression, and what differs frame by frame
 */
export function evaluate(diagram: Diagram): void {
  const failures = runMarbles((helpers) => {
    const rows = inputsOf(diagram, helpers);
    const scope = scopeOf(rows, new History());
    const probes = diagram.stages.map((stage) => ({ stage, frames: [] as MarbleFrame[] }));
    const output = probes.reduce<Observable<unknown>>(
      (above, { stage, frames }) => above.pipe(scope.compile(diagram, stage), probe(frames)),
      rows[0]!.observable,
    );
    play(output, diagram.stages.at(-1)?.result.unsub, helpers);
    for (const { row, observable } of rows) {
      if (row.subs !== undefined) helpers.expectSubscriptions(observable.subscriptions).toBe(row.subs);
    }
    helpers.flush();
    return probes.flatMap(({ stage: { expression, result }, frames }) => {
      const difference = differences(frames, expectedFrames(result.text, result.values, result.error));
      return difference === undefined
        ? []
        : [`${diagram.file}:${result.line}: below > ${expression.replace(/\s+/g, ' ')}\n${difference}`];
    });
  });
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
}

/** Records what passes, before it goes on. */
function probe(frames: MarbleFrame[]): Operator {
  const record = (notification: MarbleFrame['notification']) =>
    frames.push({ frame: asyncScheduler.now(), notification });
  return tap({
    next: (value) => record({ kind: 'N', value }),
    error: (error) => record({ kind: 'E', error }),
    complete: () => record({ kind: 'C' }),
  });
}
