import type { Observable } from 'rxjs';
import type { Capabilities } from '../../lib/model/capabilities.ts';
import { History } from '../../lib/testing/history.ts';
import { read } from '../../lib/testing/notationText.ts';
import { runMarbles } from '../../lib/testing/runMarbles.ts';
import type { DeclaredConsumer } from '../../lib/testing/steps.ts';
import { validate } from '../../lib/testing/validate.ts';
import type { Diagram, Stage } from './parse.ts';
import { inputsOf, type Operator, play, scopeOf } from './scope.ts';

/** A store with revisions: what the events of a diagram pretend to come from. */
const capabilities: Capabilities = {
  handOver: 'pinned',
  order: 'global',
  atomic: 'revision',
  resume: 'log',
  deletes: 'live+resync',
  prev: 'tracked',
  progress: 'none',
  nack: 'local',
  empty: 'distinguishable',
  revision: 'store',
};

/**
 * Runs a diagram with one stage dropped (an `ackWithCallback` becomes `concatMap` over the same work, an `orderedResync`
 * one `ackWithCallback` that does the work of all at once) or in place, and
 * judges what reaches the consumer: the events that come out of the last stage with events, and what its work did.
 *
 * @param dropped whether it is dropped
 * @returns the invariants that do not hold, each with the messages
 */
export function violationsAt(diagram: Diagram, stage: Stage, dropped: boolean): Map<string, string[]> {
  const consumers: DeclaredConsumer[] = [];
  const history = new History({ consumers });
  const isBuffered = diagram.stages.some(({ expression }) => expression.startsWith('bufferDuringResync('));
  const watch = history.tap(isBuffered ? 'buffered' : 'below') as Operator;
  const last = diagram.stages.filter(isOfEvents).at(-1);
  runMarbles((helpers) => {
    const rows = inputsOf(diagram, helpers);
    const scope = scopeOf(rows, history, consumers);
    let output: Observable<unknown> = rows[0]!.observable;
    if (last === undefined) output = output.pipe(watch);
    for (const each of diagram.stages) {
      const operator = scope.compile(diagram, each);
      const instead = scope.insteadOf.get(operator);
      if (dropped && each === stage) output = instead === undefined ? output : output.pipe(instead);
      else
        output =
          instead === undefined ? output.pipe(operator) : output.pipe(operator, history.tapResults() as Operator);
      if (each === last) output = output.pipe(watch);
    }
    play(output, diagram.stages.at(-1)?.result.unsub, helpers);
    helpers.flush();
    history.quiet();
  });
  const found = new Map<string, string[]>();
  for (const { invariant, message } of validate(history, capabilities))
    found.set(invariant, [...(found.get(invariant) ?? []), message]);
  return found;
}

function isOfEvents({ result }: Stage): boolean {
  return result.marbles.every(({ letter }) => {
    const text = result.values[letter];
    return text !== undefined && ['resync', 'change'].includes(read(text).type);
  });
}
