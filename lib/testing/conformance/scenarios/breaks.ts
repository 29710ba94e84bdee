import { map, merge, takeWhile, timer } from 'rxjs';
import type { DatasyncError } from '../../../model/errors.ts';
import { type Backend, FatalError } from '../../../source/frames.ts';
import { faults } from '../../faults.ts';
import type { Scenario } from '../scenario.ts';
import { fill, later, request, signal, subscribe, told, until, write } from '../script.ts';
import type { Stage } from '../stage.ts';
import { outage } from './outage.ts';

/** The backend says every 300 ms that it is alive, and promises to. */
function alive<P>(backend: Backend<P>): Backend<P> {
  const beats = timer(300, 300).pipe(map(() => ({ type: 'progress' as const })));
  // A sign of life from a connection that has not said anything else would be one too early.
  return { ...faults.with(backend, (frames) => merge(frames, beats)), maxSilence: 1_000 };
}

const broken = ['frames', 'reconnect'] as const;

/** The pauses between connections grow, up to a limit; asked in virtual time, where they are exact. */
function growing({ time, history }: Stage): string | undefined {
  if (time === undefined) return undefined;
  const opened = history.steps.flatMap((step) => (step.type === 'open' ? [step.time] : []));
  const pauses = opened.slice(1).map((at, index) => at - opened[index]!);
  const wrong = pauses.findIndex((pause, index) => index > 0 && pause < pauses[index - 1]!);
  if (wrong > 0) return `the pauses shrink: ${pauses[wrong]} ms after ${pauses[wrong - 1]} ms`;
  return pauses.at(-1)! > pauses[0]! ? undefined : `every pause is ${pauses[0]} ms`;
}

/** What goes wrong with a connection. */
export const breaks: readonly Scenario[] = [
  {
    name: 'the connection is reset; meanwhile keys are deleted, made again, changed and changed back, and a prefix is emptied',
    plays: ['S3', 'S5'],
    keeps: ['I14', 'I20', 'I21', 'I22', 'I27', 'I18'],
    needs: broken,
    fault: outage.fault,
    steps: [
      write({ gone: 1, again: 1, back: 1, stays: 1, 'p/1': 1, 'p/2': 1 }),
      subscribe(),
      told,
      write({ stays: 2 }),
      told,
      outage.begins,
      write({ gone: undefined, again: undefined, back: 2 }),
      write({ again: 1, back: 1, 'p/1': undefined }),
      write({ 'p/2': undefined, came: 1, went: 1 }),
      write({ went: undefined }),
      later(1_000),
      outage.ends,
      told,
      write({ gone: 2, again: 2, back: undefined }),
      told,
    ],
  },
  {
    name: 'the connection is reset again and again, with a write in between',
    plays: ['S3'],
    keeps: ['I10', 'I11', 'I20', 'I27', 'I29'],
    needs: broken,
    fault: (backend, stage) => faults.cut(backend, stage.signal('reset')),
    steps: [
      subscribe(),
      told,
      ...[1, 2, 3, 4].flatMap((n) => [write({ x: n }), signal('reset'), write({ x: undefined, y: n }), told]),
    ],
  },
  {
    name: 'the connection ends without an error',
    plays: ['S3'],
    keeps: ['I20', 'I27', 'I43'],
    needs: broken,
    fault: (backend, stage) => faults.close(backend, stage.signal('end')),
    steps: [write({ x: 1, y: 1 }), subscribe(), told, signal('end'), write({ x: undefined, y: 2 }), told],
  },
  {
    name: 'everything is read again after each reconnect, where the configuration says so',
    plays: ['S3'],
    keeps: ['I20', 'I21'],
    needs: [...broken, 'resyncAfterReconnect'],
    fault: outage.fault,
    steps: [
      write({ x: 1, y: 1 }),
      {
        text: 'subscribe with resyncAfterReconnect',
        run: (stage) => stage.subscribe(false, { resyncAfterReconnect: true }),
      },
      told,
      outage.begins,
      write({ x: undefined }),
      outage.ends,
      told,
    ],
    check: ({ events }) =>
      events.some((event) => event.type === 'resync' && event.reason === 'reconnected')
        ? undefined
        : 'no resync says reconnected',
  },
  {
    name: 'a socket stays open, and nothing comes: the connection is found dead',
    plays: ['S4'],
    keeps: ['I25', 'I28', 'I18'],
    needs: [...broken, 'virtual', 'silence'],
    fault: (backend, stage) => faults.blackHole(alive(backend), stage.signal('silence')),
    steps: [write({ x: 1 }), subscribe(), told, later(5_000), signal('silence'), write({ x: 2, y: 1 }), told],
    check: ({ connections }) =>
      connections === 2 ? undefined : `${connections} connections were made, and 2 were needed`,
  },
  {
    name: 'nothing changes for long, with signs of life: the connection stays',
    plays: ['S4'],
    keeps: ['I28'],
    needs: [...broken, 'virtual', 'silence'],
    fault: (backend) => alive(backend),
    steps: [write({ x: 1 }), subscribe(), told, later(100_000), write({ x: 2 }), told],
    check: ({ connections }) =>
      connections === 1 ? undefined : `${connections} connections were made, and 1 was needed`,
  },
  ...[0, 1, 2].map(
    (pages): Scenario => ({
      name: `the listing breaks after ${pages} pages, twice, and what it had read is deleted`,
      plays: ['S9'],
      keeps: ['I5', 'I6', 'I7'],
      needs: broken,
      fault: (backend) => faults.breakListing(backend, { pages, times: 2 }),
      steps: [
        ...fill('many/', 2_050),
        write({ x: 1 }),
        subscribe(),
        write({ x: undefined, 'many/0': undefined }),
        told,
        write({ x: 2 }),
        told,
      ],
    }),
  ),
  {
    name: 'the listing ends after its first page, twice, without an error and without its end',
    plays: ['S9'],
    keeps: ['I5', 'I6', 'I7'],
    needs: broken,
    fault: (backend) => {
      let left = 2;
      return faults.with(backend, (frames) =>
        left-- > 0 ? frames.pipe(takeWhile(({ type }, index) => type === 'page' && index === 0)) : frames,
      );
    },
    steps: [...fill('many/', 2_050), write({ x: 1 }), subscribe(), write({ x: undefined, 'many/0': undefined }), told],
    check: ({ connections }) => (connections >= 3 ? undefined : `${connections} connections were made`),
  },
  {
    name: 'the listing after a break is broken too: what was told stays',
    plays: ['S9', 'S3'],
    keeps: ['I6', 'I7', 'I8', 'I21'],
    needs: broken,
    fault: (backend, stage) => {
      let opened = 0;
      const cut = faults.cut(backend, stage.signal('reset'));
      const halves = faults.breakListing(cut, { pages: 1, times: 3 });
      // The first connection is as it should be.
      return {
        ...backend,
        open: (context) =>
          (opened++ === 0 ? cut : halves).open({ ...context, from: undefined, added: context.prefixes }),
      };
    },
    steps: [
      ...fill('many/', 1_050),
      write({ x: 1 }),
      subscribe(),
      told,
      signal('reset'),
      write({ x: undefined, 'many/7': undefined }),
      told,
    ],
  },
  ...[10, 1_000].map(
    (times): Scenario => ({
      name: `a server that accepts and closes at once, ${times} times`,
      plays: ['S21'],
      keeps: ['I27', 'I29', 'I43'],
      needs: times > 100 ? [...broken, 'virtual'] : broken,
      fault: (backend) => faults.refuse(backend, { times, accept: true }),
      steps: [write({ x: 1 }), subscribe(), write({ x: 2 }), told, write({ x: 3 }), told],
      check: (stage) => (stage.connections > times ? growing(stage) : `${stage.connections} connections were made`),
    }),
  ),
  {
    name: 'a connection that works and breaks at once, eight times: the pauses grow all the same',
    plays: ['S21'],
    keeps: ['I27', 'I20'],
    needs: [...broken, 'virtual'],
    fault: (backend) => {
      let left = 8;
      const broken = timer(5).pipe(map(() => throwIt('it broke as soon as it worked')));
      return faults.with(backend, (frames) => (left-- > 0 ? merge(frames, broken) : frames));
    },
    steps: [write({ x: 1 }), subscribe(), write({ x: 2 }), told, later(5_000), write({ x: 3 }), told],
    check: (stage) => (stage.connections > 8 ? growing(stage) : `${stage.connections} connections were made`),
  },
  {
    name: 'unsubscribed between two attempts',
    plays: ['S21', 'S15'],
    keeps: ['I42'],
    needs: [...broken, 'virtual'],
    fault: (backend) => faults.refuse(backend, { times: 5 }),
    steps: [subscribe(), later(70), { text: 'unsubscribe', run: (stage) => stage.unsubscribe() }, later(10_000)],
    check: ({ connections }) => (connections < 5 ? undefined : 'it went on after it was unsubscribed'),
  },
  {
    name: 'credentials have run out, and are renewed',
    plays: ['S20'],
    keeps: ['I7', 'I43', 'I27'],
    needs: broken,
    fault: (backend, stage) =>
      faults.cut(
        faults.refuse(backend, { times: 3, error: new Error('401: token expired') }),
        stage.signal('expired'),
        new Error('401: token expired'),
      ),
    steps: [write({ x: 1 }), subscribe(), told, signal('expired'), write({ x: 2, y: 1 }), told],
  },
  {
    name: 'access is denied for good: one error with a code, and nothing is told as empty',
    plays: ['S20'],
    keeps: ['I7', 'I43'],
    needs: broken,
    fault: (backend, stage) => faults.cut(backend, stage.signal('denied'), new FatalError('403: access denied')),
    steps: [
      write({ x: 1 }),
      subscribe(),
      told,
      signal('denied'),
      until('the end', ({ views }) => (views.live === 0 ? undefined : 'it goes on')),
      write({ x: 2 }),
      later(10_000),
    ],
    check: ({ history }) => {
      const errors = history.steps.filter((step) => step.type === 'error');
      const codes = [...new Set(errors.map(({ error }) => (error as DatasyncError).code))];
      return codes.join() === 'FATAL' ? undefined : `it ended with ${codes.join() || 'no error'}, not FATAL`;
    },
  },
  ...[3_600_000, -3_600_000].map(
    (ms): Scenario => ({
      name: `the clock is set an hour ${ms > 0 ? 'ahead' : 'back'} while all is quiet, and while the connection is broken`,
      plays: ['S22'],
      keeps: ['I18', 'I27'],
      waives: { I28: 'the clock was set: how long it was silent cannot be told' },
      needs: [...broken, 'virtual'],
      fault: (backend, stage) => alive(outage.fault(backend, stage)),
      steps: [
        write({ x: 1 }),
        subscribe(),
        told,
        later(2_000),
        clock(ms),
        later(2_000),
        write({ x: 2 }),
        told,
        outage.begins,
        later(500),
        clock(ms),
        write({ x: undefined, y: 1 }),
        outage.ends,
        told,
      ],
    }),
  ),
  ...[3_600_000, -3_600_000].map(
    (ms): Scenario => ({
      name: `the clock is set an hour ${ms > 0 ? 'ahead' : 'back'}, and nothing comes from then on: the connection is found dead`,
      plays: ['S22', 'S4'],
      keeps: ['I18', 'I27'],
      waives: { I28: 'the clock was set: how long it was silent cannot be told' },
      needs: [...broken, 'virtual', 'silence'],
      fault: (backend, stage) => faults.blackHole(alive(backend), stage.signal('silence')),
      steps: [
        write({ x: 1 }),
        subscribe(),
        told,
        later(5_000),
        clock(ms),
        signal('silence'),
        write({ x: 2 }),
        // Longer than the limit allows, and far less than the clock was set by.
        later(10_000),
      ],
      check: ({ connections }) =>
        connections === 2 ? undefined : `I28: ${connections} connections were made in time, and 2 were needed`,
    }),
  ),
  {
    name: 'the source answers more slowly than silence is allowed, for long; resyncs are asked for meanwhile',
    plays: ['S25'],
    keeps: ['I25', 'I27', 'I39'],
    needs: [...broken, 'virtual', 'silence', 'resyncOn'],
    fault: (backend) => {
      let left = 50;
      const slow = faults.latency(backend, 2_000);
      return { ...backend, maxSilence: 1_000, open: (context) => (left-- > 0 ? slow : alive(backend)).open(context) };
    },
    steps: [
      write({ x: 1 }),
      subscribe(),
      later(20_000),
      request,
      later(5_000),
      request,
      write({ x: 2 }),
      told,
      request,
      later(500),
      told,
    ],
    check: ({ connections }) => (connections > 50 ? undefined : `${connections} connections were made`),
  },
];

function clock(ms: number) {
  return { text: `the clock is set by ${ms} ms`, run: ({ time }: Stage) => time?.setClock(time.now + ms) };
}

function throwIt(message: string): never {
  throw new Error(message);
}
