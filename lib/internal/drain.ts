/**
 * Hands over what is held, oldest first, also what is added meanwhile by a consumer that writes inside `next`: copying
 * the queue first would let a newer event overtake the rest.
 *
 * @param more asked before each one; false stops
 */
export function drain<T>(held: T[], more: () => boolean, next: (item: T) => void): void {
  while (held.length > 0 && more()) next(held.shift()!);
}
