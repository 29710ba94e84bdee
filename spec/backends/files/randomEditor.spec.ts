import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { recordLive, temporaryDirectory, until } from '../../support/files.ts';
import { RandomEditor, tree } from '../../support/randomEditor.ts';
import { randomNumbers } from '../../support/randomNumbers.ts';

/** Seeds that run side by side: they wait far more than they compute. */
const seeds = [11, 12, 13, 14, 15, 16, 17];
const steps = 300;

/** One editor, and somebody who watches: the previous values are judged by the recording. */
async function run(seed: number): Promise<void> {
  const random = randomNumbers(seed);
  const directory = temporaryDirectory();
  const editor = new RandomEditor(directory, random);
  const told = await recordLive({ paths: [directory], settle: 200 });
  const trail: string[] = [];
  const settled = () => {
    editor.probe();
    const where = () => `seed ${seed}, after ${trail.slice(-12).join(', ')}\n${tree(directory).join('\n')}`;
    return until(() => expect(editor.without(told.state), where()).toEqual(editor.truth));
  };
  for (let step = 1; step <= steps; step++) {
    if (random(20) === 0) {
      await settled();
      trail.push(editor.trouble());
      await settled();
    }
    trail.push(editor.step());
    if (editor.isTroubled) {
      await settled();
      if (random(2) > 0) continue;
      editor.heal();
      trail.push('heal');
    }
    if (random(12) === 0) await settled();
    else if (random(3) === 0) await pause(random(120));
    if (step % 50 === 0) {
      editor.heal();
      await settled();
      // Whoever comes now sees the same.
      const fresh = await recordLive({ paths: [directory], usePolling: true });
      await until(() => expect(fresh.state).toEqual(editor.truth));
      fresh.subscription?.unsubscribe();
      expect(told.state).toEqual(editor.truth);
      await until(() => expect(told.stale).toBeUndefined());
    }
  }
}

describe('fromFiles under a random editor', () => {
  it(`holds the truth at each quiet point of ${seeds.length * steps} steps, with the right previous values`, {
    timeout: 180_000,
  }, async () => {
    await Promise.all(seeds.map(run));
  });
});
