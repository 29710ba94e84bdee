/**
 * The list with one more item, made by its first one. Most lists of changes have one item, for which `push` on an empty
 * list takes room for 17.
 */
export function appended<T>(list: T[] | undefined, item: T): T[] {
  if (list === undefined) return [item];
  list.push(item);
  return list;
}
