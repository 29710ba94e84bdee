import type { Capabilities } from '../model/capabilities.ts';
import type { History } from './history.ts';
import { errorsReachSource, oneSettlement, overtaking, serial, unknownIsNotSuccess } from './validators/acks.ts';
import { bounded, buffered, coalescing } from './validators/buffering.ts';
import * as connections from './validators/connections.ts';
import { failedStage, orderedResync } from './validators/consumers.ts';
import { convergence } from './validators/convergence.ts';
import { evidence, type Invariant, type Unseen, type Validator, type Violation } from './validators/invariant.ts';
import * as reconnect from './validators/reconnect.ts';
import { Run } from './validators/run.ts';
import * as snapshot from './validators/snapshot.ts';
import * as stream from './validators/stream.ts';
import * as values from './validators/values.ts';

export type { Invariant, Violation } from './validators/invariant.ts';

/**
 * How each promise of the contract is judged, or why one history cannot show it. Complete by its type.
 * @internal
 */
export const validators: Readonly<Record<Invariant, Validator | Unseen>> = {
  I1: snapshot.snapshotFirst,
  I2: snapshot.coldIndependence,
  I3: snapshot.singlePoint,
  I4: snapshot.total,
  I5: snapshot.endSignalled,
  I6: snapshot.allOrNothing,
  I7: snapshot.failingIsNotEmpty,
  I8: snapshot.noEmptiness,
  I9: stream.noStaleChange,
  I10: stream.noGap,
  I11: stream.unique,
  I12: stream.ordered,
  I13: stream.atomic,
  I14: stream.previousValue,
  I15: stream.deleteIdentity,
  I16: stream.losslessSuppression,
  I17: stream.progress,
  I18: convergence,
  I19: stream.subsequence,
  I20: reconnect.resumeOrResync,
  I21: reconnect.deletesWhileAway,
  I22: reconnect.recreation,
  I23: reconnect.regress,
  I24: reconnect.compaction,
  I25: reconnect.tokenStays,
  I26: reconnect.tokenAfterAck,
  I27: connections.retried,
  I28: connections.deadStream,
  I29: connections.oneUpstream,
  I30: buffered,
  I31: bounded,
  I32: coalescing,
  I33: oneSettlement,
  I34: errorsReachSource,
  I35: unknownIsNotSuccess,
  I36: serial,
  I37: orderedResync,
  I38: failedStage,
  I39: overtaking,
  I40: values.poisonIsolation,
  I41: values.publish,
  I42: values.unsubscribe,
  I43: values.fatalOnly,
  I44: values.determinism,
  I45: values.selfCheck,
};

/** What a history shows. */
export interface Inspection {
  readonly violations: readonly Violation[];
  /** The promises that were judged. */
  readonly checked: readonly Invariant[];
  /** All others, each with the reason: a capability, what the history lacks, or where it is proven instead. */
  readonly skipped: readonly { readonly invariant: Invariant; readonly reason: string }[];
}

/**
 * Judges a history by the contract.
 *
 * @param history what happened
 * @param capabilities those of the backend: what it declares away is not asked for
 * @returns every promise that was not kept, by step; empty: none
 */
export function validate<T>(history: History<T>, capabilities: Capabilities): readonly Violation[] {
  return inspect(history, capabilities).violations;
}

/** As {@link validate}, and says which promises were judged and why the others were not. */
export function inspect<T>(history: History<T>, capabilities: Capabilities): Inspection {
  const everywhere = new Run(history as History, capabilities);
  const violations: Violation[] = [];
  const checked: Invariant[] = [];
  const skipped: { invariant: Invariant; reason: string }[] = [];
  for (const [invariant, validator] of Object.entries(validators) as [Invariant, Validator | Unseen][]) {
    const isExempt = everywhere.streams.some(({ options }) => options.exempt?.[invariant] !== undefined);
    const run = isExempt ? new Run(history as History, capabilities, invariant) : everywhere;
    const reason = reasonAgainst(validator, run, capabilities);
    if (reason !== undefined || 'cannot' in validator) {
      skipped.push({ invariant, reason: reason ?? '' });
      continue;
    }
    checked.push(invariant);
    for (const finding of validator.check(run)) violations.push({ invariant, ...finding });
  }
  for (const { name, options } of everywhere.streams) {
    for (const [invariant, reason] of Object.entries(options.exempt ?? {}) as [Invariant, string][])
      skipped.push({ invariant, reason: `at ${name}: ${reason}` });
  }
  return { violations: violations.sort((a, b) => a.step - b.step), checked, skipped };
}

function reasonAgainst(validator: Validator | Unseen, run: Run, capabilities: Capabilities): string | undefined {
  if ('cannot' in validator) return `${validator.cannot}: ${validator.instead}`;
  const off = validator.off?.(capabilities);
  if (off !== undefined) return off;
  const missing = validator.needs.find((name) => !run.has.has(name));
  return missing === undefined ? undefined : evidence[missing];
}
