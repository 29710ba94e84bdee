import { notation } from '../notation.ts';
import type { ScriptStep } from './scenario.ts';
import type { Mood, Stage } from './stage.ts';
import type { StoreFault } from './subject.ts';
import type { Values } from './truth.ts';
import { bad } from './values.ts';

/** Puts, and with `undefined` deletes, in one transaction; done when the store says so. */
export function write(values: Values): ScriptStep {
  return { text: `write ${valuesText(values)}`, run: (stage) => stage.write(values) };
}

/** So many keys under a prefix, 50 to a transaction. */
export function fill(prefix: string, count: number): ScriptStep[] {
  const keys = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  const parts = Array.from({ length: Math.ceil(count / 50) }, (_, part) => keys.slice(part * 50, part * 50 + 50));
  return parts.map((part, index) => write(Object.fromEntries(part.map((key) => [key, index]))));
}

/** Watches some prefixes, which stay. */
export function subscribe(...prefixes: readonly string[]): ScriptStep {
  return {
    text: `subscribe to ${prefixes.join(', ') || 'everything'}`,
    run: (stage) => {
      if (prefixes.length > 0) stage.prefixes = prefixes;
      stage.subscribe(false);
    },
  };
}

/** Watches prefixes that {@link watch} changes. */
export function subscribeDynamic(...prefixes: readonly string[]): ScriptStep {
  return {
    text: `subscribe to an Observable of ${prefixes.join(', ')}`,
    run: (stage) => {
      stage.prefixes = prefixes;
      stage.subscribe(true);
    },
  };
}

export function watch(...prefixes: readonly string[]): ScriptStep {
  return {
    text: `watch ${prefixes.join(', ') || 'nothing'}`,
    run: (stage) => {
      stage.prefixes = prefixes;
    },
  };
}

/** Every subscription, or one of them, counted from 0. */
export function unsubscribe(which?: number): ScriptStep {
  return {
    text: 'unsubscribe',
    run: (stage) => (which === undefined ? stage.unsubscribe() : stage.subscriptions[which]?.unsubscribe()),
  };
}

/** Everybody knows what the store holds, and everything told is settled. */
export const told: ScriptStep = { text: 'everything is told', until: (stage) => stage.missing() };

/** Everybody knows what the store holds; a consumer keeps events open. */
export const shown: ScriptStep = { text: 'everything is told, and held', until: (stage) => stage.missing(true) };

export function fault(name: StoreFault): ScriptStep {
  return { text: name, run: (stage) => stage.fault(name) };
}

export function heal(name: StoreFault): ScriptStep {
  return { text: `${name} is over`, run: (stage) => stage.heal(name) };
}

/** What a `fault` of the scenario waits for. */
export function signal(name: string): ScriptStep {
  return {
    text: name,
    run: (stage) => stage.fire(name),
  };
}

/** What the consumer does with the next events, or with so many of them. */
export function consumer(mood: Mood, times: number = Infinity): ScriptStep {
  return {
    text: `the consumer says ${mood}`,
    run: (stage) => {
      stage.mood = mood;
      stage.moodLasts = times;
    },
  };
}

/** What was held first is done, or fails. */
export function release(how: 'done' | 'fail' = 'done'): ScriptStep {
  return {
    text: `what was held is ${how === 'done' ? 'done' : 'failed'}`,
    run: (stage) => stage.release(how === 'done' ? undefined : new Error('as the script says, later')),
  };
}

/** What is held from now on is released apart from what was held before. */
export const holdApart: ScriptStep = { text: 'more is held', run: (stage) => stage.holdApart() };

/** Somebody asks for a resync. */
export const request: ScriptStep = { text: 'ask for a resync', run: (stage) => stage.request() };

/** Something inside the next `next` of the consumer. */
export function inside(text: string, action: (stage: Stage) => void): ScriptStep {
  return {
    text: `inside the next event: ${text}`,
    run: (stage) => {
      stage.inside = action;
    },
  };
}

/** Time passes, where it is virtual. */
export function later(ms: number): ScriptStep {
  return { text: `${ms} ms later`, pass: ms };
}

/** What was written last has come as far as the source, or waits for its word that there is room. */
export const arrived: ScriptStep = {
  text: 'what was written has come to the source',
  until: ({ history: { steps } }) => {
    if (steps.every(({ type }) => type !== 'open')) return undefined;
    const since = steps.slice(steps.findLastIndex(({ type }) => type === 'write'));
    const waits = steps.findLast((step) => step.type === 'waiting')?.waiting === true;
    return waits || since.some(({ type }) => type === 'frame') ? undefined : 'nothing came since';
  },
};

/** A condition of its own. @param missing what is missing; `undefined`: nothing */
export function until(text: string, missing: (stage: Stage) => string | undefined): ScriptStep {
  return { text, until: missing };
}

/** A resync was told with a reason, so many times. */
export function resynced(reason: string, times = 1): ScriptStep {
  return until(`${times} resyncs say ${reason}`, ({ events }) => {
    const count = events.filter((event) => event.type === 'resync' && event.reason === reason).length;
    return count >= times ? undefined : `${count} were told`;
  });
}

/** At the end of every scenario: a last write shows that everything before it has been told; then all is quiet, and over. */
export function ending(holding: boolean): ScriptStep[] {
  const isOver = (stage: Stage): boolean => stage.views.live === 0;
  return [
    { text: 'recover', run: (stage) => stage.recover() },
    {
      text: 'the last write',
      run: (stage) => {
        const [first] = stage.prefixes;
        if (isOver(stage) || first === undefined) return;
        return stage.write({ [`${first.slice(stage.key('').length)}the-last-write`]: 'the last' });
      },
    },
    {
      text: 'everything is told in the end',
      until: (stage) => (isOver(stage) ? undefined : stage.missing(holding)),
      pass: 60_000,
    },
    {
      text: 'quiet',
      run: (stage) => {
        if (!isOver(stage)) stage.history.quiet({ holding });
        stage.unsubscribe();
      },
    },
  ];
}

function valuesText(values: Values): string {
  const all = Object.entries(values);
  const texts = all.slice(0, 4).map(([key, value]) => {
    if (value === undefined) return `!${key}`;
    return `${key}:${value === bad ? '?' : notation.format(value)}`;
  });
  return `${texts.join(',')}${all.length > 4 ? ` and ${all.length - 4} more` : ''}`;
}
