import { EMPTY, NEVER, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { diffed } from '../../lib/source/diffed.ts';
import type { Backend } from '../../lib/source/frames.ts';
import { fromBackend } from '../../lib/source/fromBackend.ts';
import { pinned } from '../../lib/source/pinned.ts';
import { windowed } from '../../lib/source/windowed.ts';
import { ScriptedBackend } from '../../lib/testing/scriptedBackend.ts';
import { virtually } from '../../lib/testing/virtually.ts';
import { Seen } from '../support/seen.ts';

const promised = () => Promise.reject(new Error('not heard')) as never;
const nothing = () => undefined as never;
const page = { entries: [], position: 1, revision: 1 };
const hint = 'not a Promise: make one of it with fromPages, or with defer and from of rxjs';

function opening(open: () => unknown): Backend {
  return { name: 'mine', capabilities: new ScriptedBackend().capabilities, open: open as never };
}

describe('a function of a store that returns no Observable ends the subscription', () => {
  it.each<[string, Backend<never> | Backend<number> | Backend, string]>([
    ['pinned: list', pinned<number>({ list: promised, watch: () => NEVER }), `pinned: 'list' | ${hint}`],
    ['pinned: watch', pinned<number>({ list: () => of(page), watch: promised }), `pinned: 'watch' | ${hint}`],
    ['pinned: nothing', pinned<number>({ list: nothing, watch: nothing }), "pinned: 'list' | not undefined"],
    [
      'windowed: watch',
      windowed({ watch: promised, list: () => EMPTY, read: () => EMPTY }),
      `windowed: 'watch' | ${hint}`,
    ],
    [
      'windowed: list',
      windowed({ watch: () => of('armed'), list: promised, read: () => EMPTY }),
      `windowed: 'list' | ${hint}`,
    ],
    [
      'windowed: read',
      windowed({ watch: () => of('armed' as const, { touched: ['x'] }), list: () => EMPTY, read: promised }),
      `windowed: 'read' | ${hint}`,
    ],
    ['diffed', diffed(promised), `diffed: 'list' | ${hint}`],
    ['diffed: an array', diffed((() => [page]) as never), "diffed: 'list' | not an array"],
    ['a backend', opening(promised), `the backend's 'open' | ${hint}`],
    ['a backend: nothing', opening(nothing), "the backend's 'open' | not undefined"],
  ])('%s', (_, backend, text) =>
    virtually((time) => {
      const seen = new Seen(fromBackend(backend as Backend, { prefixes: [''] }));
      const [what, found] = text.split(' | ');
      expect(seen.errors).toMatchObject([
        {
          code: 'INVALID_CONFIG',
          message: `[rx-datasync/${backend.name}] ${what} must return an Observable, ${found}`,
        },
      ]);
      expect(time.timers).toBe(0);
    }),
  );
});
