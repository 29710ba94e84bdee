import { computed, type Signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { type Source, toState } from 'rx-datasync';

/** What a component shows of one node. */
export interface Node {
  readonly ip: string;
}

/** The nodes of a cluster as signals: call it where Angular injects, as in the constructor of a component or a service. */
export function liveNodes(source: Source<Node>): {
  readonly nodes: Signal<ReadonlyMap<string, Node>>;
  readonly node: (key: string) => Signal<Node | undefined>;
} {
  // A new Map for every event that changes something, and the same one for all others: OnPush and zoneless just work.
  const nodes = toSignal(source.pipe(toState()), { initialValue: new Map<string, Node>() });
  // A value that did not change is the same object: only the views of the node that changed are rendered again.
  return { nodes, node: (key) => computed(() => nodes().get(key)) };
}
