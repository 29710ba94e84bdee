import * as rxjs from 'rxjs';
import * as library from '../../lib/index.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import { type AckHandlers, type AckWithCallbackConfig, ackWithCallback } from '../../lib/operators/ackWithCallback.ts';
import type { History } from '../../lib/testing/history.ts';
import type { MarbleHelpers } from '../../lib/testing/runMarbles.ts';
import type { DeclaredConsumer } from '../../lib/testing/steps.ts';
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

/** @param consumers filled with those of an `orderedResync`, for the history */
export function scopeOf(rows: readonly Input[], history: History, consumers: DeclaredConsumer[] = []) {
  /** What a user would write in place of an operator that works. */
  const insteadOf = new WeakMap<Operator, Operator>();
  const recorded = (given: AckHandlers<unknown>, config?: AckWithCallbackConfig): Operator => {
    const handlers = { resync: history.work('work', given.resync), change: history.work('work', given.change) };
    const operator = ackWithCallback(handlers, config) as Operator;
    insteadOf.set(
      operator,
      rxjs.concatMap((event) => startWork(handlers, event as DatasyncEvent<unknown>)),
    );
    return operator;
  };
  const parts = new Map<library.Consumer, (source: library.Source<Uint8Array>) => rxjs.Observable<unknown>>();
  const declared: typeof library.consumer = (name, prefix, codec, work, config) => {
    if (typeof work === 'function') throw new Error('a diagram needs handlers: what a pipeline does is not recorded');
    const handlers = { resync: history.work(name, work.resync), change: history.work(name, work.change) };
    const one = library.consumer(name, prefix, codec, handlers, config);
    parts.set(one, (source) => {
      const decoded = library.mapValue((raw: Uint8Array, key) => codec.decode(raw, key));
      return source.pipe(
        library.withPrefix(prefix),
        decoded,
        rxjs.mergeMap((event) => startWork(handlers as AckHandlers<unknown>, event)),
      );
    });
    return one;
  };
  const group = (given: readonly library.Consumer[], config?: library.OrderedResyncConfig): Operator => {
    const operator = library.orderedResync(given, config) as Operator;
    consumers.push(...given.map(({ name, required }) => ({ name, required })));
    const all = (event: DatasyncEvent<Uint8Array>) =>
      rxjs.merge(...given.map((one) => parts.get(one)!(rxjs.of(event))));
    insteadOf.set(operator, ackWithCallback<Uint8Array>({ resync: all, change: all }) as Operator);
    return operator;
  };
  const further = rows.slice(1).map(({ row, observable }) => [row.title, observable] as const);
  const scope: Record<string, unknown> = {
    ...rxjs,
    ...library,
    ackWithCallback: recorded,
    consumer: declared,
    orderedResync: group,
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
  return { compile, insteadOf };
}

function startWork(handlers: AckHandlers<unknown>, event: DatasyncEvent<unknown>): rxjs.ObservableInput<unknown> {
  const context = { signal: new AbortController().signal };
  const work = event.type === 'resync' ? handlers.resync(event, context) : handlers.change(event, context);
  return rxjs.isObservable(work) || work instanceof Promise ? work : rxjs.EMPTY;
}
