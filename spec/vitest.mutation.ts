import { configDefaults, defineConfig } from 'vitest/config';

/**
 * The specs that mutants are tried on: those that are fast and in virtual time. Random scripts find nearly everything,
 * but they would take minutes for each mutant, and a promise that only they show deserves a spec that says it.
 */
export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: [
      'spec/{broker,codecs,internal,model,operators,source,testing}/**/*.spec.ts',
      'spec/backends/memory/**/*.spec.ts',
      'spec/marbles.spec.ts',
    ],
    exclude: [...configDefaults.exclude, 'spec/fuzz/**'],
    pool: 'threads',
    isolate: false,
  },
});
