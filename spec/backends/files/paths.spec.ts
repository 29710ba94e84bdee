import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { globPattern, ignoredBy, splitGlob } from '../../../lib/backends/files/glob.ts';
import { fromFiles } from '../../../lib/backends/files/index.ts';
import { protobufCodec } from '../../../lib/codecs/protobufCodec.ts';
import { record, recordLive, temporaryDirectory, until, write } from '../../support/files.ts';

/** So long that only hints can lead to a scan. */
const never = 3_600_000;

describe('globs', () => {
  it.each<[string, string[], string[]]>([
    ['*.yaml', ['a.yaml', '.yaml'], ['a.yml', 'd/a.yaml', 'axyaml']],
    ['**/*.yaml', ['a.yaml', 'd/a.yaml', 'd/e/a.yaml'], ['a.json']],
    ['d/**', ['d/a', 'd/e/a'], ['d', 'e/a']],
    ['d/**/a', ['d/a', 'd/e/f/a'], ['da', 'd/ea']],
    ['a?.{json,y{a,}ml}', ['ab.json', 'ab.yaml', 'ab.yml'], ['a.json', 'abc.json', 'a/.json']],
    ['a**b', ['ab', 'axb'], ['a/b']],
    ['[x](1)+$.json', ['[x](1)+$.json'], ['x1.json']],
    ['\\{a\\*\\?\\}\\[*.json', ['{a*?}[.json', '{a*?}[x.json'], ['axx[.json', '\\{a*?}[.json']],
    ['{a\\,b,\\}}', ['a,b', '}'], ['a', 'b,}', '\\}']],
    ['a\\b\\\\*', ['a\\b\\c'], ['ab\\c', 'a\\bc']],
  ])('%s', (glob, yes, no) => {
    expect([
      yes.filter((path) => globPattern(glob).test(path)),
      no.filter((path) => globPattern(glob).test(path)),
    ]).toEqual([yes, []]);
  });

  it('are split where they start to be globs, and leave out by name or by path', () => {
    expect(splitGlob('/a/b/*/c.yaml')).toEqual({ base: '/a/b', rest: '*/c.yaml' });
    const ignores = ignoredBy(['*.local.yaml', 'drafts/', '/top.json', 'a/**/x.json']);
    const paths = [
      'b.local.yaml',
      'd/b.local.yaml',
      'drafts',
      'd/drafts',
      'top.json',
      'd/top.json',
      'a/b/x.json',
      'x.json',
    ];
    expect(paths.filter((path) => !ignores(path))).toEqual(['d/top.json', 'x.json']);
  });
});

describe('fromFiles: which files', () => {
  it('takes a glob, and what comes to match it, and watches no deeper than it goes', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'one/if.yaml'), { '/if/1': 1 });
    write(join(dir, 'one/route.yaml'), { '/route/1': 1 });
    write(join(dir, 'one/deep/if.yaml'), { '/if/deep': 1 });
    const told = await recordLive({ paths: [join(dir, '*/if.{yaml,json}')], rescan: never });
    expect(told.state).toEqual({ '/if/1': 1 });
    write(join(dir, 'two/if.json'), { '/if/2': 1 });
    await until(() => expect(told.state).toEqual({ '/if/1': 1, '/if/2': 1 }));
    rmSync(join(dir, 'one'), { recursive: true });
    await until(() => expect(told.state).toEqual({ '/if/2': 1 }));
    expect(told.stale).toBeUndefined();
  });

  it('takes signs of globs in names, where a backslash stands before them', async () => {
    const dir = temporaryDirectory();
    const name = '{a,b} *?[1].yaml';
    for (const [index, each] of [name, 'a', 'b xy[1].yaml'].entries())
      write(join(dir, '{in}', each), { [`/${index}`]: 1 });
    write(join(dir, 'in/x.yaml'), { '/x': 1 });
    const escaped = name.replaceAll(/[*?{},[\]]/g, '\\$&');
    const told = await recordLive({ paths: [join(dir, '\\{in\\}', escaped)], rescan: never });
    expect(told.state).toEqual({ '/0': 1 });
    write(join(dir, '{in}', name), { '/0': 2 });
    await until(() => expect(told.state).toEqual({ '/0': 2 }));
    const glob = await recordLive({ paths: [join(dir, '\\{in\\}/*\\[1\\].yaml')], rescan: never });
    expect(glob.state).toEqual({ '/0': 2, '/2': 1 });
    const without = await recordLive({ paths: [dir], ignore: [escaped, '\\{in\\}/b*'] });
    expect(without.state).toEqual({ '/x': 1 });
  });

  it('reads a directory without those below it, where it is told so', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), { '/a': 1 });
    write(join(dir, 'deep/b.yaml'), { '/b': 1 });
    const told = await recordLive({ paths: [dir], recursive: false, rescan: never });
    expect(told.state).toEqual({ '/a': 1 });
    write(join(dir, 'c.yaml'), { '/c': 1 });
    await until(() => expect(told.state).toEqual({ '/a': 1, '/c': 1 }));
  });

  it('leaves out what is to be ignored, also where it breaks', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), { '/a': 1 });
    for (const name of ['b.local.yaml', 'deep/c.local.yaml', 'node_modules/d.yaml', 'deep/node_modules/e.yaml'])
      write(join(dir, name), 'broken: [');
    symlinkSync(join(dir, 'nowhere'), join(dir, 'deep/node_modules/loop'));
    const told = await recordLive({ paths: [dir], ignore: ['*.local.yaml', 'node_modules'] });
    expect([told.state, told.stale]).toEqual([{ '/a': 1 }, undefined]);
  });

  it('takes a missing path for an empty one, where it is told so', async () => {
    const dir = join(temporaryDirectory(), 'config');
    const told = await recordLive({ paths: [dir], missing: 'empty' });
    expect([told.state, told.stale]).toEqual([{}, undefined]);
    write(join(dir, 'a.yaml'), { '/a': 1 });
    await until(() => expect(told.state).toEqual({ '/a': 1 }));
    rmSync(dir, { recursive: true });
    await until(() => expect(told.state).toEqual({}));
    expect(told.statuses.some(({ stale }) => stale !== undefined)).toBe(false);
    mkdirSync(dir);
    write(join(dir, 'a.yaml'), { '/a': 2 });
    await until(() => expect(told.state).toEqual({ '/a': 2 }));
    expect(told.log).toEqual(['resync initial', 'put /a none > 1', 'delete /a 1', 'put /a none > 2']);
  });

  it('keeps only what is meant for this instance', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), { '/agent/vpp1/if': 1, '/agent/vpp10/if': 1, '/agent/vpp2/if': 1 });
    write(join(dir, 'b.yaml'), { '/agent/vpp2/if': 2 });
    const told = await recordLive({ paths: [dir], instancePrefix: '/agent/vpp1/' });
    write(join(dir, 'b.yaml'), { '/agent/vpp2/if': 3, '/agent/vpp1/route': 3 });
    await until(() => expect(told.log.length).toBeGreaterThan(1));
    expect(told.log).toEqual(['resync initial', 'put /agent/vpp1/route none > 3']);
    expect(told.state).toEqual({ '/agent/vpp1/if': 1, '/agent/vpp1/route': 3 });
  });

  it('takes objects, and texts that hold JSON, for messages of a protobuf type', async () => {
    const { root } = protobuf.parse('syntax = "proto3"; message Interface { string name = 1; uint32 mtu = 2; }');
    const codec = protobufCodec(root.lookupType('Interface'), { format: 'json' });
    const file = join(temporaryDirectory(), 'a.yaml');
    write(file, { '/object': { name: 'eth0', mtu: 1500 }, '/text': '{ "name": "eth1" }', '/bad': '{"nmae": "eth1"}' });
    const events: unknown[] = [];
    const subscription = fromFiles({ paths: [file], prefixes: [''], codec }).subscribe((event) => {
      if (event.type === 'resync')
        events.push(
          ...event.entries.items.map(({ key, value }) => [key, value]),
          ...event.rejected.map(({ error }) => error.message),
        );
    });
    await until(() => expect(events).toHaveLength(3));
    subscription.unsubscribe();
    expect(events).toEqual([
      ['/object', { name: 'eth0', mtu: 1500 }],
      ['/text', { name: 'eth1', mtu: 0 }],
      expect.stringMatching(/nmae/),
    ]);
  });

  it('ends where a glob starts at a file', async () => {
    const dir = temporaryDirectory();
    write(join(dir, 'a.yaml'), { '/a': 1 });
    const told = record({ paths: [join(dir, 'a.yaml/*.json')] });
    await until(() => expect(told.error).toMatchObject({ code: 'INVALID_CONFIG', file: join(dir, 'a.yaml') }));
  });
});
