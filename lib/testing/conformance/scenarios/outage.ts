import { throwError } from 'rxjs';
import type { Backend } from '../../../source/frames.ts';
import { faults } from '../../faults.ts';
import type { Scenario, ScriptStep } from '../scenario.ts';
import { signal } from '../script.ts';
import type { Stage } from '../stage.ts';

/** A time during which the connection is broken and every new one refused. */
export const outage: {
  readonly fault: NonNullable<Scenario['fault']>;
  readonly begins: ScriptStep;
  readonly ends: ScriptStep;
} = {
  fault: <P>(backend: Backend<P>, stage: Stage) => {
    let isDown = false;
    const error = new Error('connection reset');
    const is = (down: boolean) => ({ next: () => (isDown = down), error: () => undefined });
    // Before those that break the connection, which is made again.
    stage.signal('the outage begins').subscribe(is(true));
    stage.signal('the outage is over').subscribe(is(false));
    const broken = faults.cut(backend, stage.signal('the outage begins'), error);
    return faults.with(broken, (frames) => (isDown ? throwError(() => error) : frames));
  },
  begins: signal('the outage begins'),
  ends: signal('the outage is over'),
};
