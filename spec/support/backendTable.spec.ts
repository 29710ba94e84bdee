import { describe, expect, it } from 'vitest';
import { formatMinutes, formatTable, mergeRecords, requireViolations } from './backendTable.ts';
import type { BackendRecord } from './recordBackend.ts';

const record = (backend: string, more: Partial<BackendRecord> = {}): BackendRecord => ({
  backend,
  version: '1.0',
  invariants: [],
  skipped: [],
  ...more,
});

describe('mergeRecords', () => {
  it('keeps one row per backend and version, in natural order', () => {
    const rows = mergeRecords([
      record('b'),
      record('a', { version: '10.0' }),
      record('a', { version: '9.1' }),
      record('b'),
    ]);
    expect(rows.map((row) => `${row.backend} ${row.version}`)).toEqual(['a 9.1', 'a 10.0', 'b 1.0']);
  });

  it('unites what ran, without duplicates', () => {
    const rows = mergeRecords([record('a', { invariants: ['I10', 'I2'] }), record('a', { invariants: ['I2', 'I1'] })]);
    expect(rows).toEqual([record('a', { invariants: ['I1', 'I2', 'I10'] })]);
  });

  it('counts an invariant that ran anywhere as run', () => {
    const skipped = [{ invariant: 'I1', reason: 'not here' }];
    expect(mergeRecords([record('a', { skipped }), record('a', { invariants: ['I1'] })])).toEqual([
      record('a', { invariants: ['I1'] }),
    ]);
  });

  it('keeps every reason of a skipped invariant', () => {
    const because = (reason: string) => record('a', { skipped: [{ invariant: 'I7', reason }] });
    expect(mergeRecords([because('y'), because('x'), because('y')])[0]?.skipped).toEqual([
      { invariant: 'I7', reason: 'x; y' },
    ]);
  });

  it('keeps a backend missing, even when another spec could start it', () => {
    expect(mergeRecords([record('a'), record('a', { missing: 'port in use' })])[0]?.missing).toBe('port in use');
  });
});

describe('formatTable', () => {
  it('prints aligned columns, with a line per skipped invariant', () => {
    const skipped = [
      { invariant: 'I4', reason: 'no leases' },
      { invariant: 'I6', reason: 'no transactions' },
    ];
    const rows = [
      record('files', { invariants: ['I1', 'I2', 'I3', 'I5', 'I9', 'I10'], skipped }),
      record('memory', { invariants: ['I1'] }),
      record('redis', { version: '?', missing: 'redis-server not found' }),
    ];
    expect(formatTable(rows).split('\n')).toEqual([
      expect.stringMatching(/^invariants run: .*; skipped: /),
      'backend  server version  invariants run      skipped',
      'files    1.0             6: I1–I3 I5 I9 I10  I4: no leases',
      '                                             I6: no transactions',
      'memory   1.0             1: I1               -',
      'redis    ?               none                not started: redis-server not found',
    ]);
  });

  it('puts what is skipped for one reason on one line', () => {
    const because = (reason: string, ...names: string[]) => names.map((invariant) => ({ invariant, reason }));
    const skipped = [
      ...because('no work', 'I30'),
      ...because('no clock', 'I36'),
      ...because('no work', 'I37', 'I38', 'I39', 'S14'),
      ...because('no store', 'broker: put', 'broker: delete'),
    ];
    const lines = formatTable([record('etcd', { invariants: ['I1'], skipped })]).split('\n');
    expect(lines.slice(2).map((line) => line.slice('etcd     1.0             1: I1           '.length).trim())).toEqual(
      ['I30 I37–I39 S14: no work', 'I36: no clock', 'broker: put, broker: delete: no store'],
    );
  });

  it('says so when nothing was recorded', () => {
    expect(formatTable([])).toBe('No backend was recorded in this run.');
  });
});

describe('formatMinutes', () => {
  it('adds up what the files of each folder took', () => {
    const files = [
      { suite: 'spec/servers', milliseconds: 30_000 },
      { suite: 'spec/backends/etcd', milliseconds: 60_000 },
      { suite: 'spec/backends/etcd', milliseconds: 36_000 },
    ];
    expect(formatMinutes(files)).toBe(
      'real servers: 2.1 minutes, which should stay below 30 (spec/backends/etcd 1.6, spec/servers 0.5)',
    );
  });
});

describe('requireViolations', () => {
  const rows = [record('memory'), record('etcd', { missing: 'no binary' })];

  it('asks for nothing by default', () => {
    expect(requireViolations(rows, undefined)).toEqual([]);
    expect(requireViolations(rows, '')).toEqual([]);
  });

  it('names every backend that could not be started', () => {
    expect(requireViolations(rows, 'all')).toEqual([
      "DATASYNC_REQUIRE=all, but backend 'etcd' could not be started: no binary",
    ]);
    expect(requireViolations([record('memory')], 'all')).toEqual([]);
  });

  it('is not content with an empty table', () => {
    expect(requireViolations([], 'all')).toEqual(['DATASYNC_REQUIRE=all, but no spec recorded a backend']);
  });

  it('refuses a value it does not know', () => {
    expect(requireViolations([], 'al')).toEqual(["DATASYNC_REQUIRE is 'al'; the only value it knows is 'all'"]);
  });
});
