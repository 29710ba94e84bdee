import { CORE_SCHEMA, dump, mergeTag } from 'js-yaml';

/** The schema that `parseYaml` reads with: a member that is really called `<<` is put in quotes. */
const schema = CORE_SCHEMA.withTags(mergeTag);

/** A value as a YAML text: block style, without aliases, lines as long as they are. */
export function writeYaml(value: unknown): string {
  return dump(value, { schema, noRefs: true, lineWidth: -1 });
}
