import * as rxjs from 'rxjs';
import * as library from '../../lib/index.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { type AckHandlers, type AckWithCallbackConfig, ackWithCallback } from '../../lib/operators/ackWithCallback.ts';
import type { History } from '../../lib/testing/history.ts';
import type { MarbleHelpers } from '../../lib/testing/runMarbles.ts';
import type { Diagram, Row, Stage } from './parse.ts';

export type Operator = rxjs.OperatorFunction<unknown, unknown>;

/** A row that goes in, playing. */
export interface Input {
  readonly row: Row;
  readonly observable: ReturnType<MarbleHelpers['cold']> | ReturnType<MarbleHelpers['hot']>;
}

export function inputsOf({ inputs: rows }: Diagram, { cold, hot }: MarbleHelpers): Input[] {
  return rows.map((row, index) => {
    const observable = (index === 0 ? cold : hot)(row.text, row.values, new Error(row.error));
    return { row, observable };
  });
}

/** Subscribes to what comes out of the last stage, until `unsub` (`^---!`) where that is given. */
export function play(output: rxjs.Observable<unknown>, unsub: string | undefined, { hot }: MarbleHelpers): void {
  const end = unsub === undefined ? rxjs.NEVER : hot(unsub.replace('^', '-').replace('!', '1'));
  // What comes, an error too, is written down by the stages.
  output.pipe(rxjs.takeUntil(end)).subscribe({ error: () => undefined });
}

export function scopeOf(rows: readonly Input[], history: History) {
  const worksOf = new WeakMap<Operator, (event: unknown) => rxjs.ObservableInput<unknown>>();
  const recorded = (given: AckHandlers<unknown>, config?: AckWithCallbackConfig): Operator => {
    const handlers = { resync: history.work('work', given.resync), change: history.work('work', given.change) };
    const operator = ackWithCallback(handlers, config) as Operator;
    worksOf.set(operator, (event) => startWork(handlers, event as DatasyncEvent<unknown>));
    return operator;
  };
  const further = rows.slice(1).map(({ row, observable }) => [row.title, observable] as const);
  const scope: Record<string, unknown> = {
    ...rxjs,
    ...library,
    ackWithCallback: recorded,
    ...Object.fromEntries(further),
  };
  const compile = ({ file }: Diagram, { expression, line }: Stage): Operator => {
    let operator: unknown;
    try {
      const names = Object.keys(scope);
      operator = new Function(...names, `'use strict'; return (${expression}\n);`)(...names.map((name) => scope[name]));
    } catch (error) {
      throw new Error(`${file}:${line}: > ${expression}\n  ${(error as Error).message}`, { cause: error });
    }
    if (typeof operator !== 'function')
      throw new Error(`${file}:${line}: > ${expression}\n  expected an operator, found ${typeof operator}`);
    return operator as Operator;
  };
  return { compile, worksOf };
}

function startWork(handlers: AckHandlers<unknown>, event: DatasyncEvent<unknown>): rxjs.ObservableInput<unknown> {
  const context = { signal: new AbortController().signal };
  const work = event.type === 'resync' ? handlers.resync(event, context) : handlers.change(event, context);
  return rxjs.isObservable(work) || work instanceof Promise ? work : rxjs.EMPTY;
}
