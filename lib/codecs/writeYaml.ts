import { dump } from 'js-yaml';

/** A value as a YAML text: block style, without aliases, lines as long as they are. */
export function writeYaml(value: unknown): string {
  return dump(value, { noRefs: true, lineWidth: -1 });
}
