import type { RawWrite } from '../../model/broker.ts';
import { DatasyncError, messageOf } from '../../model/errors.ts';
import { type About, type ConsulCalls, outcomeUnknown, type Shown } from './calls.ts';
import { bodyOf, isBound, type Only, operationsOf, release } from './operations.ts';
import { type Found, find } from './reads.ts';
import { sessionName, sessionOf } from './sessions.ts';

/** Whose a session is. `unseen`: it has ended, or the token may not read it. */
type Owner = 'broker' | 'other' | 'unseen';

async function ownerOf(calls: ConsulCalls, id: string, what: About): Promise<Owner> {
  const session = await sessionOf(calls, id, what);
  if (session === undefined) return 'unseen';
  return session.Name === sessionName ? 'broker' : 'other';
}

type Stranger = Exclude<Owner, 'broker'>;

/** The state of a key. */
export interface State extends Only {
  /** Where a session holds it. */
  readonly value?: Uint8Array;
  /** Whose that is, where it is none of a broker. */
  readonly stranger?: Stranger;
}

export type Put = RawWrite & { readonly op: 'put' };

const absent: State = { index: 0, session: undefined };

/** What was found of a key, with a session only where it is that of a broker. */
export async function stateOf(calls: ConsulCalls, key: string, found: Found | undefined, what: About): Promise<State> {
  if (found?.session === undefined) return found ?? absent;
  const owner = await ownerOf(calls, found.session, what);
  // A session that ended holds nothing; whatever is written at this index will not be done.
  const isOver = owner === 'unseen' && (await find(calls, key, what))?.index !== found.index;
  if (isOver) return { ...found, session: undefined };
  return owner === 'broker' ? found : { ...found, session: undefined, stranger: owner };
}

/**
 * A plain put leaves a key with the session that holds it, and it would vanish with it: it is taken from it.
 *
 * @param entries what was written, as Consul shows it
 * @returns the keys that a session may still hold
 */
export async function releaseAll(
  calls: ConsulCalls,
  writes: readonly RawWrite[],
  entries: readonly Shown[],
  what: About,
): Promise<ReadonlySet<string>> {
  const stillHeld = new Set<string>();
  for (const write of writes) {
    const { ModifyIndex, Session } = entries.findLast(({ Key }) => Key === write.key) ?? {};
    if (write.op === 'delete' || isBound(write) || Session === undefined) continue;
    const isFree = await free(calls, write, ModifyIndex!, Session, what).catch((error: unknown) => {
      throw half(what, mayVanish(write.key), error);
    });
    if (!isFree) stillHeld.add(write.key);
  }
  return stillHeld;
}

/** @returns whether it certainly took the key from the session, or that is over */
async function free(calls: ConsulCalls, write: Put, index: number, session: string, what: About): Promise<boolean> {
  const owner = await ownerOf(calls, session, what);
  // A lock of somebody else is not broken.
  if (owner === 'other') return false;
  if (owner === 'broker' && (await calls.txn(bodyOf(release(write, index, session)), what)).done) return true;
  const found = await find(calls, write.key, what);
  if (owner === 'unseen' && found?.index === index) throw held(what, write.key, owner);
  // Whoever has written or deleted it since has the last word; a session that ended has none.
  if (found !== undefined || (await ownerOf(calls, session, what)) === 'broker') return false;
  await calls.txn(bodyOf(operationsOf(write, undefined, absent)), what);
  return true;
}

/** For {@link half}. */
export const mayVanish = (key: string): string =>
  `${JSON.stringify(key)} is written, but may vanish with the session that holds it`;

/** A key that cannot be bound to a session, or taken from one. */
export function held({ what }: About, key: string, stranger: Stranger): DatasyncError {
  const whose = stranger === 'other' ? 'of another program' : 'that the token may not read';
  const message = `${what}: ${JSON.stringify(key)} is held by a session ${whose}`;
  return new DatasyncError('REFUSED', message, { backend: 'consul', key });
}

/** A write of which a part was done. */
export function half(about: About, message: string, cause: unknown): DatasyncError {
  return outcomeUnknown(about, `${message} (${messageOf(cause)})`, cause);
}
