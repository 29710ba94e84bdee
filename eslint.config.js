// Typed rules only: formatting, import order and everything that needs no types is Biome's.
import { defineConfig } from 'eslint/config';
import rxjsX from 'eslint-plugin-rxjs-x';
import tseslint from 'typescript-eslint';

/** The only names lib/ may take from rxjs: what rxjs 9 keeps, and what no TestScheduler misses. */
const rxjsTypes = `MonoTypeOperatorFunction Observable ObservableInput ObservableNotification ObservedValueOf Observer OperatorFunction
  Subscribable Subscriber TeardownLogic TimestampProvider UnaryFunction Unsubscribable`;
const rxjsValues = `EMPTY NEVER Subscription asyncScheduler combineLatest concat defer firstValueFrom forkJoin from
  identity interval isObservable lastValueFrom merge noop of pipe race throwError timer
  catchError concatMap defaultIfEmpty delay distinctUntilChanged endWith exhaustMap expand filter finalize first
  ignoreElements last map mergeMap mergeWith reduce repeat retry scan skip startWith switchMap take takeUntil takeWhile
  tap timeout timestamp toArray withLatestFrom`;

/** What lib/ may not write. `more`: further names from rxjs; `producers`: also `new Observable`. */
function restricted({ more = '', producers = false } = {}) {
  const names = `${rxjsTypes} ${rxjsValues} ${more}`.trim().split(/\s+/).join('|');
  const rxjs = "[source.value='rxjs']";
  const listed =
    'Not on the list of names from rxjs in eslint.config.js (no Subject in operators; share by shareResync).';
  const rules = [
    { selector: `ImportDeclaration${rxjs} > ImportSpecifier:not([imported.name=/^(${names})$/])`, message: listed },
    {
      selector: `ImportDeclaration${rxjs} > :matches(ImportNamespaceSpecifier, ImportDefaultSpecifier)`,
      message: listed,
    },
    {
      selector: `:matches(ExportNamedDeclaration, ExportAllDeclaration)${rxjs}`,
      message: 'rxjs is a peer: not passed on.',
    },
    {
      selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
      message: 'A TestScheduler does not see it: use asyncScheduler.now().',
    },
    {
      selector: "NewExpression[callee.name='Observable']",
      message: 'Producers are made by cold() of internal/cold.ts.',
    },
  ];
  return { 'no-restricted-syntax': ['error', ...(producers ? rules.slice(0, -1) : rules)] };
}

/** Of rxjs's subpaths none, but for `rxjs/testing` in lib/testing. */
function subpaths(allowed = '') {
  const message = "Import from 'rxjs'; 'rxjs/testing' belongs to lib/testing.";
  return { 'no-restricted-imports': ['error', { patterns: [{ regex: `^rxjs/(?!${allowed}$)`, message }] }] };
}

/** rxjs-x/no-ignored-error, but for `timer(…).subscribe(…)`, which cannot fail. */
const noIgnoredError = rxjsX.rules['no-ignored-error'];
const isTimer = (node) => node.parent?.object?.callee?.name === 'timer';
const datasync = {
  rules: {
    'no-ignored-error': {
      ...noIgnoredError,
      create: (context) =>
        noIgnoredError.create(
          Object.create(context, { report: { value: (found) => isTimer(found.node) || context.report(found) } }),
        ),
    },
  },
};

export default defineConfig([
  { ignores: ['dist/', 'spec/', 'coverage/', '*.config.*'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, rxjsX.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { datasync },
    rules: {
      'rxjs-x/no-ignored-error': 'off',
      'datasync/no-ignored-error': 'error',
      'rxjs-x/no-finnish': 'error',
      'rxjs-x/ban-operators': [
        'error',
        { shareReplay: 'It gives a late subscriber a change without its snapshot: use shareResync().' },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': 'off', // Biome
      // It trusts narrowing across calls, which may well have closed a subscriber or changed a field.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // `items[i]!` in a loop over indexes is what noUncheckedIndexedAccess leaves.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A type parameter that names one thing once (`<T>() => Codec<T>`) is how the caller says what it is.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // Config tables tell a function of no result from one of `undefined`.
      '@typescript-eslint/no-invalid-void-type': [
        'error',
        { allowInGenericTypeArguments: true, allowAsThisParameter: true },
      ],
      // Values of users are `unknown` and go on as they came, also as a rejection.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true, allowRethrowing: true }],
      'rxjs-x/throw-error': ['error', { allowThrowingUnknown: true, allowThrowingAny: false }],
    },
  },
  { files: ['lib/**'], rules: { ...restricted({ more: 'Subject' }), ...subpaths() } },
  { files: ['lib/operators/**'], rules: restricted() },
  { files: ['lib/operators/shareResync.ts'], rules: restricted({ more: 'share' }) },
  { files: ['lib/internal/cold.ts'], rules: restricted({ producers: true }) },
  {
    // What they return is awaited by the runner itself.
    files: ['examples/**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['describe', 'it'], package: 'node:test' }] },
      ],
    },
  },
  { files: ['lib/testing/**'], rules: { ...restricted({ more: 'Subject config' }), ...subpaths('testing') } },
]);
