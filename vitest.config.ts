import { defineConfig } from 'vitest/config';

/** Specs that touch a real file system and real time. */
const files = 'spec/backends/files/**/*.spec.ts';
/** Those of them that depend most on what the watcher says and when. */
const watching = ['conformance', 'directories', 'editors', 'history', 'links', 'many', 'races', 'watching'].map(
  (name) => `spec/backends/files/${name}.spec.ts`,
);

/** Specs against real servers, and those of what starts them. */
const servers = ['spec/**/*.server.spec.ts', 'spec/servers/**/*.spec.ts'];

export default defineConfig({
  // 'rx-datasync' in a spec or an example means lib/, by `paths` of tsconfig.json.
  resolve: { tsconfigPaths: true },
  test: {
    // Fail rather than hang, but leave room for two slow cores.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 5_000,
    reporters: ['default', './spec/support/backendTable.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'core',
          include: ['spec/**/*.spec.ts'],
          exclude: [files, ...servers],
          // One realm for all files of a worker: five times faster. A spec that patches a global must put it back.
          pool: 'threads',
          isolate: false,
          typecheck: {
            enabled: true,
            checker: 'tsc',
            include: ['spec/**/*.test-d.ts'],
            tsconfig: './spec/tsconfig.types.json',
          },
        },
      },
      {
        extends: true,
        // A worker per file: a watcher or timer that one spec leaks cannot reach the next.
        // They wait for timers and the file system far more than they compute.
        test: {
          name: 'files',
          include: [files],
          pool: 'threads',
          isolate: true,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        // The oldest chokidar that the peer range allows.
        resolve: { alias: { chokidar: 'chokidar-4' } },
        test: {
          name: 'files, chokidar 4',
          include: watching,
          env: { DATASYNC_CHOKIDAR: 'chokidar-4' },
          pool: 'threads',
          isolate: true,
          maxWorkers: 4,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        // One file after the other in one realm: they share the servers that the first of them has started.
        test: {
          name: 'servers',
          include: servers,
          globalSetup: ['./spec/servers/setup.ts'],
          // Not threads: Node does not end a thread in which an HTTP/2 session is still open, it spins for ever.
          pool: 'forks',
          isolate: false,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
