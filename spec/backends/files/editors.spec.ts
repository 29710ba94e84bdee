import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordLive, temporaryDirectory, until, write, yaml } from '../../support/files.ts';
import { styles } from '../../support/saveStyles.ts';

describe('fromFiles: how editors save', () => {
  for (const [style, save] of Object.entries(styles)) {
    it(`${style}: one change per save, no deletion, nothing rejected`, async () => {
      const dir = temporaryDirectory();
      const file = join(dir, 'a.yaml');
      write(file, { '/a': 0, '/b': 0 });
      const told = await recordLive({ paths: [dir] });
      for (const round of [1, 2, 3]) {
        save(file, yaml({ '/a': round, '/b': 0 }));
        await until(() => expect(told.state).toEqual({ '/a': round, '/b': 0 }));
      }
      expect(told.log).toEqual(['resync initial', 'put /a 0 > 1', 'put /a 1 > 2', 'put /a 2 > 3']);
    });
  }
});
