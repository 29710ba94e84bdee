import { defer, from, ignoreElements, merge, mergeMap, type Observable, repeat, throwError, timer } from 'rxjs';
import { cold } from '../../internal/cold.ts';
import { DatasyncError } from '../../model/errors.ts';
import { connected, connectLimit, type RedisNode, send } from './client.ts';
import { endNode, ownNode, wireOf } from './ownNode.ts';
import type { RedisCall } from './readers.ts';
import { checkServer, Questions } from './rightServer.ts';

/**
 * Two connections to one server, since the one that hears what happens may not ask for anything else. They are used once:
 * whatever breaks one of them ends both.
 */
export class Link {
  readonly hearing: RedisNode;
  readonly reading: RedisNode;
  /** Milliseconds that connecting may take, without the questions that follow. */
  readonly limit: number;
  readonly #questions: Questions;
  #servers: readonly string[] = ['', ''];
  #closed = false;
  #failure: unknown;

  constructor(client: RedisNode) {
    this.limit = connectLimit(client);
    this.#questions = new Questions(client);
    this.hearing = ownNode(client, this.limit);
    this.reading = ownNode(client, this.limit);
    for (const connection of this.#both) {
      connection.on('error', (error: unknown) => {
        this.#failure = error;
      });
    }
  }

  get #both(): readonly RedisNode[] {
    return [this.hearing, this.reading];
  }

  /** Whether `INFO` may be asked: there are proxies that hang up. */
  get isAsked(): boolean {
    return this.#questions.isAllowed;
  }

  /** Asks the connection that reads. */
  readonly call: RedisCall = (command, ...args) => send(this.reading, command, args);

  /** Connects both. @throws what kept it from that */
  async connect(): Promise<void> {
    await Promise.all(this.#both.map(connected));
    this.#servers = await Promise.all(this.#both.map((connection) => this.#questions.ask(connection)));
    const [heard, read] = this.#both.map((connection, index) => identityOf(connection, this.#servers[index]!));
    if (heard === read) return;
    throw new DatasyncError('CONNECTION_LOST', 'two connections came to two servers: a failover is under way', {
      backend: 'redis',
    });
  }

  /** @throws DatasyncError `INVALID_CONFIG` where both have come to what the client is not made for */
  check(): Promise<unknown> {
    return Promise.all(this.#both.map((connection, index) => checkServer(connection, this.#servers[index]!)));
  }

  /** Fails as soon as one of both is over. */
  readonly over: Observable<never> = cold((subscriber) => {
    const end = (): void => {
      const message = 'the connection was closed';
      subscriber.error(this.#failure ?? new DatasyncError('CONNECTION_LOST', message, { backend: 'redis' }));
    };
    for (const connection of this.#both) {
      // `end` also comes where there never was a connection.
      for (const event of ['close', 'end']) {
        connection.on(event, end);
        subscriber.add(() => connection.off(event, end));
      }
    }
  });

  /**
   * Fails when one of both says nothing any more, or a question is refused.
   *
   * @param ask a small question to the server, on the connection that reads
   */
  probed(ask: () => Promise<unknown>, interval: number, limit: number): Observable<never> {
    return merge(
      probed(this.hearing, () => this.hearing.call('ping'), interval, limit),
      probed(this.reading, ask, interval, limit),
    );
  }

  /** At once, also where nobody answers any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const connection of this.#both) endNode(connection);
  }
}

/** Which process it is; where that may not be asked, where it was found. */
function identityOf(connection: RedisNode, server: string): string {
  const run = /^run_id:(.*)$/m.exec(server)?.[1];
  if (run !== undefined) return run.trim();
  const wire = wireOf(connection);
  return `${wire?.remoteAddress}:${wire?.remotePort}`;
}

function probed(
  connection: RedisNode,
  ask: () => Promise<unknown>,
  interval: number,
  limit: number,
): Observable<never> {
  /** Dead only when no byte came at all: an answer may stand behind a long one. */
  const silent = (): Observable<never> =>
    defer(() => {
      const before = wireOf(connection)?.bytesRead;
      // Once more around the loop: a process that was stopped itself has not looked at what came meanwhile.
      return timer(limit).pipe(
        mergeMap(() => timer(0)),
        mergeMap(() => (wireOf(connection)?.bytesRead === before ? throwError(() => dead(limit)) : silent())),
      );
    });
  const question = cold<never>((subscriber) => {
    subscriber.add(silent().subscribe({ error: (error: unknown) => subscriber.error(error) }));
    subscriber.add(
      from(ask()).subscribe({ error: (e: unknown) => subscriber.error(e), complete: () => subscriber.complete() }),
    );
  });
  return timer(interval).pipe(
    mergeMap(() => question),
    repeat(),
    ignoreElements(),
  );
}

function dead(limit: number): DatasyncError {
  return new DatasyncError('DEAD_STREAM', `the server said nothing for ${limit} ms, though it was asked`, {
    backend: 'redis',
  });
}
