import { Subscription } from 'rxjs';
import { cold } from '../internal/cold.ts';
import { connect } from '../internal/connect.ts';
import type { Backend, Frame, OpenContext } from '../source/frames.ts';
import type { History } from './history.ts';

/** What is known about an upstream. */
export interface UpstreamOptions {
  /** Joins it to the place of the same name. Default: `source`. */
  readonly name?: string;
}

const connections = new WeakMap<History, { connection: number; frame: number }>();

/**
 * The same backend, with everything that goes on between it and the loop in the history: each connection, its frames,
 * what `settled` was called with, and how it ended.
 */
export function recordUpstream<P, T>(
  backend: Backend<P>,
  history: History<T>,
  options: UpstreamOptions = {},
): Backend<P> {
  const upstream = options.name ?? 'source';
  const log = history as History;
  const count = connections.get(log) ?? { connection: 0, frame: 0 };
  connections.set(log, count);

  const record = (connection: number, frame: Frame<P>): Frame<P> => {
    const id = ++count.frame;
    log.add({ type: 'frame', connection, frame, id });
    if (frame.type !== 'snapshot' && frame.type !== 'changes') return frame;
    return {
      ...frame,
      settled: (outcome) => {
        log.add({ type: 'frameSettled', id, outcome });
        frame.settled?.(outcome);
      },
    };
  };

  const ready = (connection: number, context: OpenContext<P>): OpenContext<P>['ready'] => {
    return () =>
      cold((subscriber) => {
        let state: 'asking' | 'waiting' | 'over' = 'asking';
        const over = (): void => {
          if (state === 'waiting') log.add({ type: 'waiting', connection, waiting: false });
          state = 'over';
        };
        subscriber.add(over);
        const waiting = context.ready().subscribe({
          next: () => {
            over();
            subscriber.next();
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => subscriber.complete(),
        });
        subscriber.add(waiting);
        if ((state as string) === 'asking' && !subscriber.closed) {
          state = 'waiting';
          log.add({ type: 'waiting', connection, waiting: true });
        }
      });
  };

  return {
    name: backend.name,
    capabilities: backend.capabilities,
    ...(backend.maxSilence === undefined ? {} : { maxSilence: backend.maxSilence }),
    ...(backend.canPause === undefined ? {} : { canPause: backend.canPause }),
    open: (context) =>
      cold((subscriber) => {
        const connection = ++count.connection;
        const { prefixes, added, from } = context;
        log.add({ type: 'open', upstream, connection, prefixes, added, from, maxSilence: backend.maxSilence });
        let over = false;
        const handle = new Subscription();
        subscriber.add(() => {
          handle.unsubscribe();
          if (!over) log.add({ type: 'close', connection });
        });
        connect(
          backend.open({ ...context, ready: ready(connection, context) }),
          {
            next: (frame) => subscriber.next(record(connection, frame)),
            error: (error: unknown) => {
              over = true;
              log.add({ type: 'end', connection, error });
              subscriber.error(error);
            },
            complete: () => {
              over = true;
              log.add({ type: 'end', connection });
              subscriber.complete();
            },
          },
          handle,
        );
      }),
  };
}
