import { describe, expect, it } from 'vitest';
import { DatasyncError, type DatasyncErrorDetails, errorCodes, messageOf } from '../../lib/model/errors.ts';

describe('DatasyncError', () => {
  it('is an Error with a code, and a message that starts with the library', () => {
    const error = new DatasyncError('NACKED', 'the change at revision 8 failed');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'DatasyncError', code: 'NACKED' });
    expect(error.message).toBe('[rx-datasync] the change at revision 8 failed');
    expect(String(error)).toBe('DatasyncError: [rx-datasync] the change at revision 8 failed');
    expect(error.stack).toContain('errors.spec.ts');
  });

  it('names the backend', () => {
    const error = new DatasyncError('CONNECTION_LOST', 'gone', { backend: 'etcd' });
    expect(error.message).toBe('[rx-datasync/etcd] gone');
    expect(error.backend).toBe('etcd');
  });

  it('says where, and has no fields for what is not known', () => {
    const where = { backend: 'files', key: '/a', file: 'a.json', line: 3, column: 14 } satisfies DatasyncErrorDetails;
    expect(new DatasyncError('PARSE_FAILED', 'bad', where)).toMatchObject(where);
    expect(Object.keys(new DatasyncError('PARSE_FAILED', 'bad'))).toEqual(['code']);
  });

  it("keeps the client's own error as its cause", () => {
    const cause = new Error('ECONNREFUSED');
    expect(new DatasyncError('CONNECTION_LOST', 'gone', { cause }).cause).toBe(cause);
    expect(new DatasyncError('CONNECTION_LOST', 'gone', { cause: null }).cause).toBeNull();
    expect(new DatasyncError('CONNECTION_LOST', 'gone')).not.toHaveProperty('cause');
  });

  it('shows itself in JSON', () => {
    const error = new DatasyncError('DECODE_FAILED', 'bad', { cause: new Error('why'), backend: 'memory', key: 'x' });
    expect(JSON.parse(JSON.stringify({ error }))).toEqual({
      error: {
        name: 'DatasyncError',
        code: 'DECODE_FAILED',
        message: '[rx-datasync/memory] bad',
        backend: 'memory',
        key: 'x',
        cause: { name: 'Error', message: 'why' },
      },
    });
  });

  const causeOf = (cause: unknown): unknown =>
    JSON.parse(JSON.stringify(new DatasyncError('NACKED', 'failed', { cause }))).cause;

  it('shows its causes in JSON, each with what names it, and no stack', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', port: 1, file: {} });
    const lost = new DatasyncError('CONNECTION_LOST', 'gone', { cause: refused, backend: 'etcd' });
    expect(causeOf(new TypeError('fetch failed', { cause: lost }))).toEqual({
      name: 'TypeError',
      message: 'fetch failed',
      cause: {
        name: 'DatasyncError',
        code: 'CONNECTION_LOST',
        message: '[rx-datasync/etcd] gone',
        backend: 'etcd',
        cause: { name: 'Error', code: 'ECONNREFUSED', message: 'connect' },
      },
    });
    expect(causeOf(new AggregateError([refused, 'no'], 'two'))).toEqual({
      name: 'AggregateError',
      message: 'two',
      errors: [{ name: 'Error', code: 'ECONNREFUSED', message: 'connect' }, 'no'],
    });
  });

  it('shows any cause in JSON, whatever was thrown', () => {
    const self = new Error('again');
    Object.assign(self, { cause: self });
    expect(JSON.stringify(causeOf(self)).match(/again/g)!.length).toBeLessThan(20);
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect([circle, Object.create(null), 1n, Symbol('s'), 'no', 5, null].map(causeOf)).toEqual([
      '[object Object]',
      '[object Object]',
      '1',
      'Symbol(s)',
      'no',
      5,
      null,
    ]);
  });

  it('is equal to another one only where the cause is, too', () => {
    const caused = (text: string) => new DatasyncError('NACKED', 'failed', { cause: new Error(text) });
    expect(caused('a')).toEqual(caused('a'));
    expect(caused('a')).not.toEqual(caused('b'));
    expect(Object.keys(caused('a'))).toEqual(['code']);
  });
});

describe('errorCodes', () => {
  it('are in capitals, each with its meaning', () => {
    for (const [code, meaning] of Object.entries(errorCodes)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(meaning.length).toBeGreaterThan(10);
    }
  });
});

describe('messageOf', () => {
  it.each([
    [new Error('why'), 'why'],
    ['why', 'why'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{}, '[object Object]'],
    [Object.create(null), '[object Object]'],
  ])('%o', (thrown, text) => {
    expect(messageOf(thrown)).toBe(text);
  });
});
