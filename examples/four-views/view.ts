import type { DatasyncEvent, ResyncReason, Snapshot, SourceStatus } from 'rx-datasync';
import { differences, type Tree } from './steps.ts';
import { prefix } from './stores.ts';

/** What a subscription to one store has been told. */
export interface View {
  readonly name: string;
  /** `undefined`: nothing yet. */
  readonly tree: Tree | undefined;
  readonly resyncs: number;
  readonly reason: ResyncReason | undefined;
  readonly changes: number;
  readonly revision: number | undefined;
  readonly state: 'connecting' | 'live' | 'away';
  /** Why it is away. */
  readonly cause: string | undefined;
}

export function blankView(name: string): View {
  const nothing = { tree: undefined, reason: undefined, revision: undefined, cause: undefined };
  return { name, ...nothing, resyncs: 0, changes: 0, state: 'connecting' };
}

const nameOf = (key: string): string => key.slice(prefix.length);

/** What a resync says there is. */
export function treeOf(entries: Snapshot<string>): Tree {
  return Object.fromEntries(entries.items.map(({ key, value }) => [nameOf(key), value]));
}

/** A view after an event: built of diffs and changes alone, so that one that is missing or told twice is seen. */
export function told(view: View, event: DatasyncEvent<string>): View {
  const tree = new Map(Object.entries(view.tree ?? {}));
  const { revision } = event;
  if (event.type === 'change') {
    for (const change of event.changes) {
      if (change.op === 'put') tree.set(nameOf(change.key), change.value);
      else tree.delete(nameOf(change.key));
    }
    return { ...view, tree: Object.fromEntries(tree), revision, changes: view.changes + 1 };
  }
  const { added, changed, removed } = event.diff;
  for (const { key, value } of [...added, ...changed]) tree.set(nameOf(key), value);
  for (const { key } of removed) tree.delete(nameOf(key));
  return { ...view, tree: Object.fromEntries(tree), revision, resyncs: view.resyncs + 1, reason: event.reason };
}

/** A view after a word about its connection. */
export function connected(view: View, { state, stale, cause }: SourceStatus): View {
  if (state === 'live' && stale === undefined) return { ...view, state, cause: undefined };
  if (state !== 'backoff' && stale === undefined) return view;
  const why = stale?.cause ?? cause;
  return { ...view, state: 'away', cause: why instanceof Error ? why.message : String(why) };
}

/** Whether a view shows this tree, and nothing else. */
export function shows({ tree }: View, wanted: Tree): boolean {
  return tree !== undefined && Object.keys(differences(tree, wanted)).length === 0;
}
