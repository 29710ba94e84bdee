import { describe, expect, it } from 'vitest';
import { type ImportGraph, isFile, libGraph } from './support/imports.ts';

/** The folders of lib/, lowest first. A file may import from its own layer and from those below. */
const layers = [
  ['internal'],
  ['model'],
  ['codecs', 'broker', 'source'],
  ['operators'],
  ['backends', 'bridge', 'health'],
  ['testing', 'config', 'cli'],
  ['index.ts'],
];

/** Entry points of the package: for its users, not for its own files. */
const entry = /^lib\/(index|backends\/[^/]+\/index)\.ts$/;

/** The imports that break the layer rule, one line each. */
function layerViolations(graph: ImportGraph): string[] {
  const rank = (file: string) => layers.findIndex((layer) => layer.includes(file.split('/')[1] ?? ''));
  return [...graph].flatMap(([from, imports]) => [
    ...(rank(from) < 0 ? [`${from} is in no layer`] : []),
    ...imports.filter(isFile).flatMap((to) => {
      if (!graph.has(to)) return [`${from} imports ${to}, which does not exist`];
      if (entry.test(to) && !entry.test(from)) return [`${from} imports the entry point ${to}`];
      return rank(to) > rank(from) ? [`${from} imports ${to}, which is above it`] : [];
    }),
  ]);
}

const graph = (files: Record<string, string[]>) => new Map(Object.entries(files));

describe('the layer rule', () => {
  it('lets a file import from its own layer and from those below', () => {
    expect(
      layerViolations(
        graph({
          'lib/internal/a.ts': ['rxjs'],
          'lib/model/a.ts': ['lib/internal/a.ts'],
          'lib/source/a.ts': ['lib/model/a.ts', 'lib/codecs/a.ts'],
          'lib/codecs/a.ts': ['lib/model/a.ts'],
          'lib/operators/a.ts': ['lib/source/a.ts'],
          'lib/backends/memory/fromMemory.ts': ['lib/operators/a.ts', 'lib/source/a.ts'],
          'lib/backends/files/index.ts': ['lib/source/a.ts', 'node:fs'],
          'lib/testing/index.ts': ['lib/backends/memory/fromMemory.ts'],
          'lib/index.ts': ['lib/operators/a.ts', 'lib/backends/memory/fromMemory.ts'],
        }),
      ),
    ).toEqual([]);
  });

  it.each([
    ['lib/internal/a.ts', 'lib/model/b.ts'],
    ['lib/model/a.ts', 'lib/source/b.ts'],
    ['lib/codecs/a.ts', 'lib/operators/b.ts'],
    ['lib/broker/a.ts', 'lib/operators/b.ts'],
    ['lib/source/a.ts', 'lib/operators/b.ts'],
    ['lib/operators/a.ts', 'lib/backends/memory/b.ts'],
    ['lib/backends/memory/a.ts', 'lib/testing/b.ts'],
  ])('refuses that %s imports %s', (from, to) => {
    expect(layerViolations(graph({ [from]: [to], [to]: [] }))).toEqual([`${from} imports ${to}, which is above it`]);
  });

  it.each([
    ['lib/testing/a.ts', 'lib/index.ts'],
    ['lib/testing/a.ts', 'lib/backends/files/index.ts'],
    ['lib/backends/files/a.ts', 'lib/backends/files/index.ts'],
  ])('refuses that %s imports the entry point %s', (from, to) => {
    expect(layerViolations(graph({ [from]: [to], [to]: [] }))).toEqual([`${from} imports the entry point ${to}`]);
  });

  it('knows every folder, and every file that is imported', () => {
    expect(layerViolations(graph({ 'lib/utils/a.ts': [] }))).toEqual(['lib/utils/a.ts is in no layer']);
    expect(layerViolations(graph({ 'lib/model/a.ts': ['lib/model/gone.ts'] }))).toEqual([
      'lib/model/a.ts imports lib/model/gone.ts, which does not exist',
    ]);
  });

  it('holds in lib/', () => {
    const real = libGraph();
    expect(real.size).toBeGreaterThan(10);
    expect(layerViolations(real)).toEqual([]);
  });
});
