import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { recordLive, until } from '../../support/files.ts';
import { root } from '../../support/imports.ts';
import { place, statusAt } from '../../support/statusFile.ts';

describe('a writer of status that is killed', () => {
  it.each(['status.json', 'status.yaml'])(
    'leaves a whole file, and nothing that is read as configuration: %s',
    { timeout: 60_000 },
    async (name) => {
      const { dir, path } = place(name);
      const args = ['--import', 'tsx', join(root, 'spec/support/statusWriter.ts'), path];
      // More words before each death, so that it does not always come at the same place.
      for (const words of [1, 9]) {
        const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
        onTestFinished(() => void child.kill('SIGKILL'));
        let said = 0;
        child.stdout.on('data', (text: Buffer) => {
          said += text.length;
          if (said >= words) child.kill('SIGKILL');
        });
        await once(child, 'exit');
        expect(said).toBeGreaterThanOrEqual(words);
        const status = statusAt(path);
        const all = await status.list();
        expect(all).toHaveLength(500);
        expect(new Set(all.map(({ value }) => value)).size).toBe(1);
        await status.close();
      }
      const config = await recordLive({ paths: [dir] });
      expect(config.state).toEqual({});
      const status = statusAt(path);
      await status.deletePrefix('');
      await status.put('last', 1);
      expect(await status.listKeys()).toEqual(['last']);
      await until(() => expect(config.stale).toBeUndefined());
      // At most the temporary files of those that were killed.
      expect(readdirSync(dir).filter((each) => !/^\..*\.tmp$/.test(each))).toEqual([name]);
    },
  );
});
