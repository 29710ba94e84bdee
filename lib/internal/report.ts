import { throwError } from 'rxjs';

/** Hands an error of a user's callback to rxjs's `config.onUnhandledError`, as an exception in `next` would be. */
export function report(error: unknown): void {
  throwError(() => error).subscribe();
}

/** Runs a user's callback so that its exception cannot break what calls it. */
export function guarded<Args extends unknown[]>(callback: (...args: Args) => void): (...args: Args) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch (error) {
      report(error);
    }
  };
}
