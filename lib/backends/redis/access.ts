import { setTimeout as sleep } from 'node:timers/promises';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import {
  connected,
  endCluster,
  isCluster,
  knowsAllMasters,
  masterOf,
  nameOf,
  ownCluster,
  type RedisBatch,
  type RedisClient,
  type RedisCluster,
  type RedisNode,
  refreshed,
  send,
} from './client.ts';
import { isDenied, isMisconfigured, isReply, isTurnedAway } from './failures.ts';
import { endNode, endSentinels, isAsked, ownNode, wireOf } from './ownNode.ts';
import type { RedisCall } from './readers.ts';
import { checkServer, Questions } from './rightServer.ts';
import { slotOf } from './slots.ts';

const pause = 50;

interface NamedNode {
  readonly name: string;
  readonly call: RedisCall;
}

/**
 * A connection of its own for reads and writes, made when it is needed. ioredis would send again what was not answered, and
 * a write that is done twice gives another answer than one that is done once.
 */
export class Access {
  readonly isCluster: boolean;
  readonly #client: RedisClient;
  readonly #timeout: number;
  readonly #patience: number;
  #current: Promise<RedisClient> | undefined;
  /** Until when somebody waits for it. */
  #until = 0;
  /** Why it could not be made the last time. */
  #reason = '';
  #open: RedisClient | undefined;
  #isAsked = true;
  #closed = false;

  /**
   * @param timeout milliseconds for one request, with the connecting
   * @param patience milliseconds that connecting may take: what has to wait longer than it has time finds it done later
   */
  constructor(client: RedisClient, timeout: number, patience: number = timeout) {
    this.isCluster = isCluster(client);
    this.#client = client;
    this.#timeout = timeout;
    this.#patience = patience;
  }

  /** Another connection to the same, with less time for one request: nobody's long answer stands before its own. */
  besides(timeout: number): Access {
    return new Access(this.#client, Math.min(timeout, this.#timeout), this.#timeout);
  }

  /** What may be asked again: nothing changes by it. @throws DatasyncError `CONNECTION_LOST`, `ACCESS_DENIED`, or what was answered */
  readonly read: RedisCall = (command, ...args) =>
    this.#ask('CONNECTION_LOST', (client) => send(client, command, args));

  /** @throws DatasyncError `OUTCOME_UNKNOWN`, `CONNECTION_LOST` where nothing was sent, `ACCESS_DENIED`, or what was answered */
  readonly write: RedisCall = (command, ...args) =>
    this.#ask('OUTCOME_UNKNOWN', (client) => send(client, command, args));

  /** All of it at once, or nothing. */
  transaction(fill: (batch: RedisBatch) => void): ReturnType<RedisBatch['exec']> {
    return this.#ask('OUTCOME_UNKNOWN', (client) => {
      const batch = client.multi();
      fill(batch);
      return batch.exec();
    });
  }

  /** Asks each master by itself. @throws DatasyncError `CONNECTION_LOST` where one is not known: its keys would seem not to be there */
  async masters(): Promise<readonly RedisCall[]> {
    return this.#nodesOf(await this.#ask('CONNECTION_LOST', whole)).map(({ call }) => call);
  }

  /** Each master that is connected, and what {@link ownerOf} calls it. */
  async nodes(): Promise<readonly NamedNode[]> {
    return this.#nodesOf(await this.#ask('CONNECTION_LOST', (ready) => Promise.resolve(ready)));
  }

  #nodesOf(client: RedisClient): readonly NamedNode[] {
    const nodes: readonly RedisNode[] = isCluster(client) ? client.nodes('master') : [client];
    return nodes.map((node) => ({
      name: isCluster(client) ? nameOf(node) : '',
      call: (command, ...args) => this.#ask('CONNECTION_LOST', () => send(node, command, args)),
    }));
  }

  /** Whether `INFO` may be asked: there are proxies that hang up. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** Which master has the key, as far as it is known. */
  ownerOf(key: Uint8Array): string {
    const open = this.#open;
    return open !== undefined && isCluster(open) ? (masterOf(open, slotOf(key)) ?? '') : '';
  }

  close(): void {
    this.#closed = true;
    if (this.#open !== undefined) this.#drop(this.#open);
  }

  async #ask<T>(lost: 'CONNECTION_LOST' | 'OUTCOME_UNKNOWN', send: (client: RedisClient) => Promise<T>): Promise<T> {
    const until = performance.now() + this.#timeout;
    const client = await this.#ready(until);
    const heard = heardBy(client);
    try {
      return await within(send(client), until);
    } catch (error) {
      // What was not answered in time may be answered later: nothing else may stand in that queue.
      if (error === late && isCluster(client)) endSilent(client, heard);
      else if (error === late) this.#drop(client);
      throw this.#known(reasonOf(error), lost, client);
    }
  }

  #known(error: unknown, lost: 'CONNECTION_LOST' | 'OUTCOME_UNKNOWN', client: RedisClient): unknown {
    const text = messageOf(error);
    const details = { cause: error, backend: 'redis' };
    if (isDenied(error)) return new DatasyncError('ACCESS_DENIED', text, details);
    if (isReply(error)) {
      // Whoever has become a replica is the wrong one for good.
      if (/^(EXECABORT.*: *)?-?READONLY/.test(text)) this.#drop(client);
      return error;
    }
    if (text.includes('writeable')) return new DatasyncError('CONNECTION_LOST', `nothing was sent: ${text}`, details);
    if (isTurnedAway(error)) return new DatasyncError('CONNECTION_LOST', `nothing was done: ${text}`, details);
    const why = error === late ? `no answer within ${this.#timeout} ms` : text;
    return new DatasyncError(lost, why, details);
  }

  /** There may be a newer one by now, which is none of its business. */
  #drop(client: RedisClient): void {
    if (this.#open === client) this.#current = undefined;
    end(client);
  }

  /** All wait for one connection, so that they go on in the order in which they came. */
  async #ready(until: number): Promise<RedisClient> {
    if (this.#closed) throw closed();
    this.#until = Math.max(this.#until, until);
    this.#current ??= this.#connected();
    try {
      return await within(this.#current, until);
    } catch (error) {
      if (error instanceof DatasyncError) throw error;
      const details = { cause: error, backend: 'redis' };
      if (isDenied(error)) throw new DatasyncError('ACCESS_DENIED', messageOf(error), details);
      const why = error === late ? `no connection within ${this.#timeout} ms${this.#reason}` : messageOf(error);
      throw new DatasyncError('CONNECTION_LOST', `nothing was sent: ${why}`, details);
    }
  }

  /** Again and again, as long as somebody waits for it. */
  async #connected(): Promise<RedisClient> {
    this.#reason = '';
    for (;;) {
      try {
        return await this.#connect();
      } catch (error) {
        const isHopeless = isMisconfigured(error) || isDenied(error) || performance.now() + pause > this.#until;
        if (isHopeless || this.#closed) {
          this.#current = undefined;
          throw this.#closed ? closed() : error;
        }
        this.#reason = `: ${messageOf(error)}`;
      }
      await sleep(pause);
    }
  }

  async #connect(): Promise<RedisClient> {
    if (this.#closed) throw closed();
    const client = this.#client;
    const questions = isCluster(client) ? undefined : new Questions(client);
    this.#isAsked = questions?.isAllowed ?? true;
    const made: RedisClient = isCluster(client)
      ? client.duplicate([], { ...ownCluster(client), ...impatient(client, this.#patience) })
      : ownNode(client, this.#patience);
    this.#open = made;
    let [isReady, isOver] = [false, false];
    made.on('end', () => {
      isOver = true;
      if (isReady && this.#open === made) this.#current = undefined;
      // A cluster would go on to ask, every second, who has which slots.
      if (isCluster(made)) endCluster(made);
      else endSentinels(made);
    });
    try {
      await within(answering(made, questions), performance.now() + this.#patience);
      // Else nobody would be told of it any more.
      if (isOver || made.status === 'end') throw new Error('it was closed');
    } catch (error) {
      end(made);
      throw error === late ? new Error(`no connection within ${this.#patience} ms`) : error;
    }
    isReady = true;
    return made;
  }
}

/** A cluster forgets a master to which the connection broke, until it looks again who has which slots. @throws where some have none */
async function whole(client: RedisClient): Promise<RedisClient> {
  if (!isCluster(client) || knowsAllMasters(client)) return client;
  await refreshed(client);
  if (!knowsAllMasters(client)) throw new Error('some slots of the cluster have no master');
  return client;
}

/** Of the nodes of a cluster one after the other is asked where the keys lie, and one that says nothing may be the first. */
function impatient({ options }: RedisCluster, patience: number): object {
  const { slotsRefreshTimeout = 1_000 } = options as { readonly slotsRefreshTimeout?: number };
  return {
    slotsRefreshTimeout: Math.min(slotsRefreshTimeout, Math.ceil(patience / 4)),
    // It asks one of them only.
    enableReadyCheck: false,
  };
}

async function answering(client: RedisClient, questions: Questions | undefined): Promise<void> {
  await connected(client);
  // Where the password is wrong, or missing, it is the first question that says so.
  if (isCluster(client)) await Promise.any(client.nodes('master').map((node) => node.call('PING'))).catch(firstOf);
  else {
    await client.call('PING');
    await checkServer(client, (await questions?.ask(client)) ?? '');
  }
}

/** Of many that have all failed. @throws what the first did */
function firstOf(error: unknown): never {
  throw error instanceof AggregateError ? (error.errors[0] ?? error) : error;
}

/** How much each node of a cluster has said. */
function heardBy(client: RedisClient): ReadonlyMap<RedisNode, number | undefined> {
  if (!isCluster(client)) return new Map();
  return new Map(client.nodes().map((node) => [node, wireOf(node)?.bytesRead]));
}

/** Ends the connections to the nodes of a cluster that were asked and have said nothing since: it makes new ones, and keeps the others. */
function endSilent(client: RedisCluster, heard: ReadonlyMap<RedisNode, number | undefined>): void {
  for (const node of client.nodes()) {
    const wire = wireOf(node);
    if (wire !== undefined && isAsked(node) && heard.get(node) === wire.bytesRead) endNode(node);
  }
}

function end(client: RedisClient): void {
  if (isCluster(client)) endCluster(client);
  else endNode(client);
}

const late = new Error('no answer in time');

function closed(): DatasyncError {
  return new DatasyncError('CONNECTION_LOST', 'nothing was sent: the broker is closed', { backend: 'redis' });
}

/** Of a transaction that was discarded: it says itself only that it was. */
function reasonOf(error: unknown): unknown {
  const { previousErrors = [] } = (error ?? {}) as { readonly previousErrors?: readonly unknown[] };
  return previousErrors.find(isDenied) ?? previousErrors[0] ?? error;
}

/** @throws `late`; what comes after that is dropped */
function within<T>(promise: Promise<T>, until: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late), Math.max(0, until - performance.now()));
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
