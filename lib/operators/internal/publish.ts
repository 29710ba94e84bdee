import { catchError, concat, concatMap, defer, EMPTY, finalize, from, map, merge, type Observable, reduce } from 'rxjs';
import { same } from '../../internal/same.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import type { DatasyncEvent, ResyncEvent } from '../../model/events.ts';
import type { Change } from '../../model/values.ts';
import type { PublishTarget } from '../publishTo.ts';

/** One key to be written. */
type Write<T> =
  | { readonly op: 'put'; readonly key: string; readonly value: T }
  | { readonly op: 'delete'; readonly key: string };

/** What could not be written. */
interface Failure {
  readonly error: DatasyncError;
  readonly keys: readonly string[];
}

/**
 * Writes an event to all brokers at once; completes when each has said how it went, and never fails.
 *
 * @param say told before the end, also where it is unsubscribed: what failed up to then
 */
export function publish<T>(
  targets: readonly (readonly [name: string, target: PublishTarget<T>])[],
  event: DatasyncEvent<T>,
  say: (error: unknown, keys: readonly string[]) => void,
): Observable<never> {
  return defer(() => {
    const failures: Failure[] = [];
    const report = (): void => {
      const keys = new Set(failures.flatMap((failure) => failure.keys));
      const errors = failures.splice(0).map(({ error }) => error);
      if (errors.length === 1) say(errors[0], [...keys]);
      if (errors.length > 1) {
        const message = `[rx-datasync] publishTo: ${errors.length} writes failed: ${errors.map(messageOf).join('; ')}`;
        say(new AggregateError(errors, message), [...keys]);
      }
    };
    const each = targets.map(([name, target]) => {
      const failed = (keys: readonly string[], cause: unknown): Observable<never> => {
        failures.push({ error: failureOf(name, event, keys, cause), keys });
        return EMPTY;
      };
      return writesOf(target, event).pipe(
        concatMap((writes) => write(target, writes, failed)),
        // Nothing is written where the broker could not be read: then all keys are what they were.
        catchError((error: unknown) => failed(keysOf(event), error)),
      );
    });
    const reported = defer(() => {
      report();
      return EMPTY;
    });
    return concat(merge(...each), reported).pipe(finalize(report));
  });
}

function write<T>(
  target: PublishTarget<T>,
  writes: readonly Write<T>[],
  failed: (keys: readonly string[], cause: unknown) => Observable<never>,
): Observable<never> {
  const done = <R>(keys: readonly string[], run: () => PromiseLike<R>): Observable<never> =>
    defer(() => from(run())).pipe(
      concatMap(() => EMPTY),
      catchError((error: unknown) => failed(keys, error)),
    );
  if (writes.length > 1 && target.capabilities.transactions) {
    return done(
      writes.map(({ key }) => key),
      () => {
        const txn = target.txn();
        for (const one of writes) {
          if (one.op === 'put') txn.put(one.key, one.value);
          else txn.delete(one.key);
        }
        // What the subscribers of the store say is not the outcome of the write.
        return txn.commit({ timeout: 0 });
      },
    );
  }
  return from(writes).pipe(
    concatMap((one) =>
      done<unknown>([one.key], () => (one.op === 'put' ? target.put(one.key, one.value) : target.delete(one.key))),
    ),
  );
}

/** What there is to write, read anew with each subscription. */
function writesOf<T>(target: PublishTarget<T>, event: DatasyncEvent<T>): Observable<readonly Write<T>[]> {
  if (event.type === 'change') return from([event.changes.map(writeOf)]);
  return heldBy(target, event.prefixes).pipe(map((held) => difference(held, event)));
}

function writeOf<T>(change: Change<T>): Write<T> {
  const { op, key } = change;
  return op === 'put' ? { op, key, value: change.value } : { op, key };
}

/** What the broker holds under the prefixes; `undefined` is a value that it cannot read. */
function heldBy<T>(target: PublishTarget<T>, prefixes: readonly string[]): Observable<Map<string, T | undefined>> {
  const values = (prefix: string) =>
    defer(() => from(target.list({ prefix }))).pipe(
      map((items) => items.map(({ key, value }) => [key, value] as const)),
    );
  // One value that the codec refuses fails the whole list. What is there all the same is put anew.
  const keys = (prefix: string) =>
    defer(() => from(target.listKeys({ prefix }))).pipe(map((all) => all.map((key) => [key, undefined] as const)));
  const under = (prefix: string): Observable<readonly (readonly [string, T | undefined])[]> =>
    values(prefix).pipe(
      catchError((error: unknown) => {
        if (error instanceof DatasyncError && error.code === 'DECODE_FAILED') return keys(prefix);
        throw error;
      }),
    );
  return from(prefixes).pipe(
    concatMap(under),
    reduce((held, items) => {
      for (const [key, value] of items) held.set(key, value);
      return held;
    }, new Map<string, T | undefined>()),
  );
}

function difference<T>(held: ReadonlyMap<string, T | undefined>, event: ResyncEvent<T>): Write<T>[] {
  const wanted = new Set(event.rejected.map(({ key }) => key));
  const writes: Write<T>[] = [];
  for (const { key, value } of event.entries) {
    wanted.add(key);
    if (!held.has(key) || !same(held.get(key), value)) writes.push({ op: 'put', key, value });
  }
  for (const key of held.keys()) if (!wanted.has(key)) writes.push({ op: 'delete', key });
  return writes;
}

function keysOf(event: DatasyncEvent<unknown>): readonly string[] {
  return (event.type === 'change' ? event.changes : event.entries.items).map(({ key }) => key);
}

function failureOf(
  name: string,
  event: DatasyncEvent<unknown>,
  keys: readonly string[],
  cause: unknown,
): DatasyncError {
  const [key] = keys;
  const what = keys.length === 1 ? JSON.stringify(key) : `the ${event.type} at ${event.revision}`;
  const message = `publishTo: '${name}' did not take ${what}: ${messageOf(cause)}`;
  return new DatasyncError('PUBLISH_FAILED', message, keys.length === 1 ? { cause, key: key! } : { cause });
}
