import { type ServerName, serverNames } from './catalogue.ts';

/**
 * The line of a server that is tested: `standard`, or another of the same kind that a variable of the environment names.
 *
 * @param kinds how the names of the lines of this kind begin
 */
export function lineOf(variable: string, kinds: readonly string[], standard: ServerName): ServerName {
  const name = process.env[variable] ?? standard;
  const lines = serverNames.filter((each) => kinds.some((kind) => each.startsWith(`${kind}-`)));
  const line = lines.find((each) => each === name);
  if (line === undefined) throw new Error(`${variable} must be one of ${lines.join(', ')}, not '${name}'`);
  return line;
}
