import { firstValueFrom, timer } from 'rxjs';

/** Gives way to whoever writes the same key. @param round of attempts; the first is 0, and does not wait */
export async function pause(round: number): Promise<void> {
  if (round > 0) await firstValueFrom(timer(Math.min(10 * round, 200)), { defaultValue: 0 });
}
