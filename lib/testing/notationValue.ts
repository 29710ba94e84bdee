import type { Outcome } from '../model/ack.ts';
import { DatasyncError, messageOf } from '../model/errors.ts';
import { ChangeEvent, type DatasyncEvent, ResyncEvent } from '../model/events.ts';
import { Snapshot } from '../model/snapshot.ts';
import type { Change, KeyValue, Rejected, ResyncDiff } from '../model/values.ts';
import type { Written, WrittenEvent, WrittenItem, WrittenOutcome } from './notationText.ts';
import { isMarked } from './notationWrite.ts';

/** The events, the state (a Map) or the `{ event, outcome }` that a text stands for. */
export function toValue(written: Written): unknown {
  if (written.type === 'state') return new Map(written.items.map(({ key, value }) => [key, value]));
  if (written.type !== 'outcome') return toEvent(written);
  const { event, outcome, keys, message } = written;
  if (outcome !== 'failed') return { event: toEvent(event), outcome: { type: outcome } };
  const error = message === undefined ? undefined : new Error(message);
  return { event: toEvent(event), outcome: { type: outcome, error, ...(keys && { keys }) } };
}

function toEvent(written: WrittenEvent): DatasyncEvent<unknown> {
  const { items, revision } = written;
  const rejected = items.filter((item) => item.rejected).map(toRejected);
  if (written.type === 'change') {
    const changes = items.filter((item) => !item.rejected).map((item) => toChange(item, item.revision ?? revision));
    return ChangeEvent.of(changes, revision, { rejected, coalesced: written.coalesced });
  }
  const entries = items.filter(isEntry).map((item) => toKeyValue(item, revision));
  const { reason } = written;
  const diff = isDiffWritten(items) ? toDiff(items, revision) : { added: entries, changed: [], removed: [] };
  return new ResyncEvent({
    epoch: 0,
    revision,
    reason,
    prefixes: [''],
    entries: new Snapshot(entries),
    diff,
    rejected,
  });
}

function toRejected({ key, ...item }: WrittenItem): Rejected<unknown> {
  const error = new DatasyncError('DECODE_FAILED', `'${key}' cannot be decoded`, { key });
  return { key, raw: undefined, error, ...('value' in item && { lastGood: item.value }) };
}

function toChange({ key, mark, value, previous }: WrittenItem, revision: number): Change<unknown> {
  const prevValue = previous?.value;
  return mark === '!' ? { op: 'delete', key, prevValue, revision } : { op: 'put', key, value, prevValue, revision };
}

function toKeyValue({ key, value, revision }: WrittenItem, otherwise: number): KeyValue<unknown> {
  return { key, value, revision: revision ?? otherwise };
}

function toDiff(items: readonly WrittenItem[], revision: number): ResyncDiff<unknown> {
  return {
    added: items.filter(({ mark }) => mark === '+').map((item) => toKeyValue(item, revision)),
    changed: items
      .filter(isChanged)
      .map((item) => ({ ...toKeyValue(item, revision), prevValue: item.previous?.value })),
    removed: items.filter(({ mark }) => mark === '!').map(({ key, previous }) => ({ key, prevValue: previous?.value })),
  };
}

function isEntry(item: WrittenItem): boolean {
  return 'value' in item;
}

function isChanged(item: WrittenItem): boolean {
  return isEntry(item) && item.previous !== undefined;
}

/** One mark is enough: what carries none is then as before. */
function isDiffWritten(items: readonly WrittenItem[]): boolean {
  return isMarked(items, '!', '+', '=') || items.some(isChanged);
}

/** All that the notation can say of a value; undefined where it is nothing of ours. Outcomes by consumer are a state. */
export function toWritten(value: unknown): Written | undefined {
  if (value instanceof ResyncEvent || value instanceof ChangeEvent) return writtenEvent(value);
  if (typeof value !== 'object' || value === null) return undefined;
  if (isState(value)) return { type: 'state', items: stateItems(value) };
  const consumers = (value as { readonly outcomes?: Readonly<Record<string, { readonly type: string }>> }).outcomes;
  if (consumers !== undefined)
    return {
      type: 'state',
      items: stateItems(new Map(Object.entries(consumers).map(([name, { type }]) => [name, type]))),
    };
  const { event, outcome } = value as Partial<{ event: unknown; outcome: Partial<Outcome> }>;
  if (!(event instanceof ResyncEvent || event instanceof ChangeEvent) || outcome?.type === undefined) return undefined;
  return writtenOutcome(writtenEvent(event), outcome as Outcome);
}

function writtenEvent(event: DatasyncEvent<unknown>): WrittenEvent {
  return event.type === 'resync' ? writtenResync(event) : writtenChange(event);
}

function writtenResync({ revision, reason, entries, diff, rejected }: ResyncEvent<unknown>): WrittenEvent {
  const isRejected = new Set(rejected.map(({ key }) => key));
  const added = new Set(diff.added.map(({ key }) => key));
  const changed = new Map(diff.changed.map(({ key, prevValue }) => [key, { value: prevValue }]));
  const listed = entries.items.map((entry): WrittenItem => {
    const previous = changed.get(entry.key);
    const mark = added.has(entry.key) ? '+' : previous === undefined ? '=' : '';
    return { ...entry, mark, rejected: isRejected.has(entry.key), ...(previous !== undefined && { previous }) };
  });
  const known = new Set(listed.map(({ key }) => key));
  const unread = rejected
    .filter(({ key }) => !known.has(key))
    .map(({ key }): WrittenItem => ({ key, mark: '', rejected: true }));
  return { type: 'resync', items: [...listed, ...unread, ...diff.removed.map(gone)], revision, reason };
}

function writtenChange({ revision, changes, rejected, coalesced }: ChangeEvent<unknown>): WrittenEvent {
  const told = changes.map((change): WrittenItem => {
    if (change.op === 'delete') return { ...gone(change), revision: change.revision };
    const { key, value, prevValue } = change;
    const previous = prevValue !== undefined && { previous: { value: prevValue } };
    return { key, value, mark: '', rejected: false, revision: change.revision, ...previous };
  });
  const refused = rejected.map((item): WrittenItem => {
    return { key: item.key, mark: '', rejected: true, ...('lastGood' in item && { value: item.lastGood }) };
  });
  return { type: 'change', items: [...told, ...refused], revision, coalesced };
}

function gone({ key, prevValue }: { readonly key: string; readonly prevValue: unknown }): WrittenItem {
  return { key, mark: '!', rejected: false, ...(prevValue !== undefined && { previous: { value: prevValue } }) };
}

function writtenOutcome(event: WrittenEvent, outcome: Outcome): WrittenOutcome {
  if (outcome.type !== 'failed') return { type: 'outcome', event, outcome: outcome.type };
  const { keys, error } = outcome;
  return {
    type: 'outcome',
    event,
    outcome: 'failed',
    ...(keys && { keys }),
    ...(error !== undefined && { message: messageOf(error) }),
  };
}

type State = Snapshot<unknown> | ReadonlyMap<string, unknown>;

function isState(value: object): value is State {
  if (value instanceof Snapshot || value instanceof Map) return true;
  const { get, entries } = value as Partial<ReadonlyMap<string, unknown>>;
  return Symbol.iterator in value && typeof get === 'function' && typeof entries === 'function';
}

function stateItems(state: State): WrittenItem[] {
  const pairs = state instanceof Snapshot ? state.items.map(({ key, value }) => [key, value] as const) : [...state];
  return pairs.map(([key, value]) => ({ key, value, mark: '', rejected: false }));
}
