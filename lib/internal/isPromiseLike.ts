/** Whether something can be waited for. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return false;
  return typeof (value as Partial<PromiseLike<unknown>>).then === 'function';
}
