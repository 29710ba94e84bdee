import { DatasyncError } from '../../model/errors.ts';

/** Where flags and variables are looked up. */
export interface Surroundings {
  /** The arguments of the program. Default: `process.argv.slice(2)`. */
  readonly args?: readonly string[];
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * A setting of the program as cn-infra has them: the flag `--some-name` goes before the variable `SOME_NAME`.
 *
 * A flag is written `--name value`, `--name=value`, or with one dash; the last one counts; behind `--` there are none.
 * A variable that is empty is the same as none.
 *
 * @param name `microservice-label`
 * @returns `undefined`: neither is there; `''` only from a flag
 * @throws DatasyncError `INVALID_CONFIG`, where the flag is the last argument and has no value
 */
export function setting(name: string, { args, env }: Surroundings = {}): string | undefined {
  return flagOf(name, args ?? process.argv.slice(2)) ?? variableOf(name, env ?? process.env);
}

function flagOf(name: string, args: readonly string[]): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < args.length && args[at] !== '--'; at++) {
    const [, flag, value] = /^--?([^=]+)(?:=(.*))?$/s.exec(args[at]!) ?? [];
    if (flag !== name) continue;
    found = value ?? args[++at];
    if (found === undefined) throw new DatasyncError('INVALID_CONFIG', `the flag --${name} needs a value`);
  }
  return found;
}

function variableOf(name: string, env: NonNullable<Surroundings['env']>): string | undefined {
  return env[name.toUpperCase().replaceAll('-', '_')] || undefined;
}
