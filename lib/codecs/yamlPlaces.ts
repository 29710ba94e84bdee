import { EVENT_ID, getScalarValue, parseEvents } from 'js-yaml';

/**
 * Where the members of the mappings of one YAML document stand: the offset of each name, by the JSON of the names that lead
 * to it (`["tls","cert-file"]`). Of names that come twice, the first. Nothing inside of lists.
 *
 * @throws whatever the parser throws
 */
export function yamlMemberOffsets(text: string): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  /** The open collections; `name` is set between the name of a member and its value, `lost` where no path leads. */
  const open: { readonly mapping: boolean; readonly path: readonly string[]; readonly lost: boolean; name?: string }[] =
    [];
  for (const event of parseEvents(text, {})) {
    if (event.type === EVENT_ID.DOCUMENT) continue;
    if (event.type === EVENT_ID.POP) {
      open.pop();
      continue;
    }
    const parent = open.at(-1);
    const isName = parent?.mapping === true && parent.name === undefined;
    let path = parent?.path ?? [];
    const lost = parent !== undefined && (parent.lost || !parent.mapping);
    if (isName) {
      // A name that is no plain text is none that can be asked for.
      parent.name = event.type === EVENT_ID.SCALAR ? getScalarValue(text, event) : '';
      const id = JSON.stringify([...path, parent.name]);
      if (event.type === EVENT_ID.SCALAR && !lost && !parent.lost && !offsets.has(id))
        offsets.set(id, event.valueStart);
    } else if (parent?.mapping === true) {
      path = [...path, parent.name!];
      delete parent.name;
    }
    if (event.type === EVENT_ID.MAPPING) open.push({ mapping: true, path, lost });
    if (event.type === EVENT_ID.SEQUENCE) open.push({ mapping: false, path, lost });
  }
  return offsets;
}
