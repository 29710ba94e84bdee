import type { OperatorFunction } from 'rxjs';
import type { DatasyncEvent } from '../../model/events.ts';
import { checkOptions, rule } from '../../model/options.ts';
import type { AckHandlers, AckResult, AckWithCallbackConfig } from '../ackWithCallback.ts';
import { concurrently } from './concurrently.ts';
import { serially } from './serially.ts';

/**
 * What `ackWithCallback` does.
 *
 * @param where the operator, for messages
 * @throws DatasyncError `INVALID_CONFIG` at once, where an option is unknown or wrong
 */
export function acked<T>(
  where: string,
  handlers: AckHandlers<T>,
  config: AckWithCallbackConfig,
): OperatorFunction<DatasyncEvent<T>, AckResult<T>> {
  checkOptions(where, config, { timeout: rule.milliseconds, concurrency: rule.positive });
  const { timeout, concurrency = 1 } = config;
  return (source) =>
    concurrency > 1
      ? concurrently(source, handlers, concurrency, timeout, where)
      : serially(source, handlers, timeout, where);
}
