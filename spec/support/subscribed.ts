import { jsonCodec } from '../../lib/codecs/jsonCodec.ts';
import type { DatasyncEvent } from '../../lib/model/events.ts';
import type { SourceConfig } from '../../lib/source/config.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { ScriptedBackend, type ScriptedOptions } from '../../lib/testing/scriptedBackend.ts';
import { Seen, StatusLog } from './seen.ts';

/** A subscription to a scripted backend. Without jitter, so that the first retry comes after 100 ms. */
export interface Subscribed {
  readonly backend: ScriptedBackend;
  readonly seen: Seen<number>;
  readonly status: StatusLog;
}

/** @param next what the consumer does with each event */
export function subscribed(
  config: Partial<SourceConfig<number>> = {},
  options: ScriptedOptions<number> = {},
  next?: (event: DatasyncEvent<number>, seen: Seen<number>) => void,
): Subscribed {
  const backend = new ScriptedBackend(options);
  const status = new StatusLog();
  const complete: SourceConfig<number> = { prefixes: [''], statusObserver: status, ...config };
  const retry = { random: () => 1, ...config.retry };
  const seen = new Seen(fromBackend(backend, { codec: jsonCodec<number>(), ...complete, retry }), next);
  return { backend, seen, status };
}
