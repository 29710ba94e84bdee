import { concat, concatMap, defer, of, tap, throwError } from 'rxjs';
import { outcomes } from '../../../model/ack.ts';
import type { Capabilities } from '../../../model/capabilities.ts';
import { type Backend, ContinuityLost, type Frame } from '../../../source/frames.ts';
import { faults } from '../../faults.ts';
import type { Scenario } from '../scenario.ts';
import { signal, subscribe, told, write } from '../script.ts';

const counted = ({ revision }: Capabilities): string | undefined =>
  revision === 'store' ? undefined : 'revision: subscription (a frame without a revision cannot be known as late)';

const notResumed = (capabilities: Capabilities): string | undefined =>
  counted(capabilities) ?? (capabilities.resume === 'log' ? undefined : `resume: ${capabilities.resume}`);

const torn = (capabilities: Capabilities): string | undefined =>
  notResumed(capabilities) ?? (capabilities.atomic === 'none' ? 'atomic: none' : undefined);

const plain = <P>(frame: Frame<P>): Frame<P> => {
  if (frame.type !== 'changes' && frame.type !== 'snapshot') return frame;
  const { settled: _, ...copy } = frame;
  return copy;
};

/** After a break, what the old connection had on its way comes once more. */
function late<P>(backend: Backend<P>): Backend<P> {
  const old: Frame<P>[] = [];
  return faults.with(backend, (frames, { from }) => {
    const again = from === undefined ? [] : old.slice(-3);
    return concat(again, frames.pipe(tap((frame) => frame.type === 'changes' && old.push(plain(frame)))));
  });
}

/** The third connection is to a member that is behind: it lists what was there when the first one began, and then catches up. */
function stale<P>(backend: Backend<P>): Backend<P> {
  const old: Frame<P>[] = [];
  let opened = 0;
  return {
    ...backend,
    open: (context) => {
      opened++;
      if (opened === 1)
        return backend
          .open(context)
          .pipe(tap((frame) => (frame.type === 'page' || frame.type === 'snapshot') && old.push(plain(frame))));
      // That it went back is for the loop to find out.
      if (opened === 2) return throwError(() => new ContinuityLost('compacted'));
      if (opened > 3) return backend.open(context);
      const position = old
        .flatMap((frame) => ('position' in frame && frame.position !== undefined ? [frame.position] : []))
        .at(-1);
      return concat(
        old,
        defer(() => backend.open({ ...context, from: position, added: [] })),
      );
    },
  };
}

/** What a connection brings: twice, late, in pieces, from the past. */
export const frames: readonly Scenario[] = [
  ...[0, 2].map(
    (after): Scenario => ({
      name: `every frame of changes comes again, ${after} later`,
      plays: ['S10'],
      keeps: ['I11', 'I12', 'I45'],
      needs: ['frames'],
      unless: counted,
      fault: (backend) => faults.repeated(backend, after),
      steps: [
        write({ x: 1 }),
        subscribe(),
        told,
        write({ x: 2 }),
        write({ x: undefined, y: 1 }),
        write({ x: 3 }),
        write({ y: 2 }),
        told,
      ],
    }),
  ),
  {
    name: 'after a reconnect the new connection begins with what the old one had brought',
    plays: ['S10'],
    keeps: ['I11', 'I12', 'I29'],
    needs: ['frames', 'reconnect'],
    unless: notResumed,
    fault: (backend, stage) => faults.cut(late(backend), stage.signal('reset')),
    steps: [
      subscribe(),
      told,
      write({ x: 1 }),
      write({ x: undefined, y: 1 }),
      write({ x: 2 }),
      told,
      signal('reset'),
      write({ y: 2 }),
      told,
    ],
  },
  {
    name: 'neighbouring frames of changes change places: the older one comes too late, and is dropped',
    plays: ['S10'],
    keeps: ['I11', 'I12', 'I45'],
    waives: { I10: 'the fault makes a frame late, and what is late is dropped (I45): its changes are never told' },
    needs: ['frames'],
    unless: counted,
    fault: (backend) => faults.swapped(backend, { times: 2 }),
    steps: [
      write({ x: 1 }),
      subscribe(),
      told,
      // The younger one says all that the older one said, so that everybody knows everything in the end.
      write({ x: 2 }),
      write({ x: undefined, y: 1 }),
      told,
      write({ y: 2 }),
      write({ y: 3, x: 3 }),
      told,
      write({ x: 4 }),
      told,
    ],
    check: ({ history }) => {
      const late = history.steps.filter((step) => step.type === 'frameSettled' && step.outcome.type === 'superseded');
      return late.length === 2 ? undefined : `${late.length} frames were dropped, and 2 came too late`;
    },
  },
  ...[false, true].map(
    (lost): Scenario => ({
      name: `a transaction comes in two frames${lost ? ', and the connection is lost between them' : ''}: all of it is read again`,
      plays: ['S11'],
      keeps: ['I6', 'I18', 'I20', 'I45'],
      waives: { I13: 'the backend itself tears the transaction: its first part is a revision like any other' },
      needs: ['frames', 'reconnect'],
      unless: torn,
      fault: (backend) => faults.split(backend, { times: 1, lost }),
      steps: [
        write({ x: 1, y: 1, z: 1 }),
        subscribe(),
        told,
        write({ x: 2, y: undefined, z: 2 }),
        told,
        write({ x: 3, y: 3 }),
        told,
      ],
      check: ({ events }) =>
        events.some((event) => event.type === 'resync' && event.reason === 'inconsistent')
          ? undefined
          : 'no resync says inconsistent',
    }),
  ),
  {
    name: 'the connection is lost with a transaction on its way',
    plays: ['S11'],
    keeps: ['I6', 'I13'],
    needs: ['frames', 'reconnect'],
    unless: ({ atomic }) => (atomic === 'none' ? 'atomic: none' : undefined),
    fault: (backend) => {
      let seen = 0;
      return faults.with(backend, (frames) =>
        frames.pipe(
          concatMap((frame) => {
            if (frame.type !== 'changes' || ++seen !== 2) return of(frame);
            frame.settled?.(outcomes.cancelled);
            return throwError(() => new Error('lost with a transaction on its way'));
          }),
        ),
      );
    },
    steps: [
      write({ x: 1, y: 1, z: 1 }),
      subscribe(),
      told,
      write({ x: 2, y: 2 }),
      told,
      write({ x: 3, y: undefined, z: 3 }),
      told,
    ],
  },
  {
    name: 'the new connection is to a member that is behind: it begins anew, lower, and catches up',
    plays: ['S12'],
    keeps: ['I12', 'I19', 'I23'],
    needs: ['frames', 'reconnect'],
    unless: notResumed,
    fault: (backend, stage) => faults.cut(stale(backend), stage.signal('fail-over')),
    steps: [
      write({ x: 1 }),
      subscribe(),
      told,
      write({ x: 2, y: 1 }),
      write({ x: 3 }),
      told,
      signal('fail-over'),
      write({ y: 2 }),
      told,
    ],
    check: ({ events }) =>
      events.some((event) => event.type === 'resync' && event.reason === 'regressed')
        ? undefined
        : 'no resync says regressed',
  },
];
