import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory, until, write } from '../support/files.ts';
import { read, root } from '../support/imports.ts';

const page = read('examples/edit-and-see/README.md');
const tsx = (file: string, ...args: string[]) => [
  '--import',
  'tsx',
  join(root, 'examples/edit-and-see', file),
  ...args,
];

describe('examples/edit-and-see', () => {
  it('shows in one process what another one changes, as its page says', { timeout: 60_000 }, async () => {
    const directory = temporaryDirectory();
    const there = (text: string) => text.replaceAll('/tmp/interfaces', directory);
    const shown = there(/^```\n(0 interfaces.*?)```/ms.exec(page)![1]!)
      .trimEnd()
      .split('\n');
    const commands = [...there(page).matchAll(/^npx tsx examples\/edit-and-see\/change.ts (.*)$/gm)].map(([, args]) =>
      args!.split(' '),
    );
    expect(commands).toHaveLength(shown.length - 1);

    const show = spawn(process.execPath, tsx('show.ts', directory), { cwd: root });
    onTestFinished(() => void show.kill());
    let printed = '';
    for (const stream of [show.stdout, show.stderr])
      stream.on('data', (text: Buffer) => {
        printed += text.toString();
      });
    const seen = (lines: readonly string[]) => until(() => expect(printed.trimEnd().split('\n')).toEqual(lines));

    await seen(shown.slice(0, 1));
    for (const [index, args] of commands.entries()) {
      await promisify(execFile)(process.execPath, tsx('change.ts', ...args), { cwd: root });
      await seen(shown.slice(0, index + 2));
    }

    await expect(
      promisify(execFile)(process.execPath, tsx('change.ts', directory, 'eth0', '--mtu', 'x'), { cwd: root }),
    ).rejects.toThrow('usage: change.ts');
    const file = join(directory, 'interfaces.yaml');
    const good = readFileSync(file, 'utf8');
    write(file, `${good}]\n`);
    await until(() => expect(printed).toMatch(/\n! \[rx-datasync\/files\] .*interfaces\.yaml:\d+:\d+: .*\n$/));
    write(file, good);
    await until(() => expect(printed).toMatch(/\n= all is well again\n$/));
    for (const [bad, why] of [
      ['7', 'an interface needs { mtu: number }, and this is 7'],
      ['{mtu: 9007199254740993}', 'has the number 9007199254740993, which would lose digits: write it as a text'],
    ]) {
      write(file, `data:\n- {key: /interface/eth0, value: ${bad!}}\n`);
      await until(() => expect(printed).toContain(why));
      expect(printed.trimEnd().split('\n').at(-1)).toMatch(/^! eth0 stays at mtu 1500, no address: /);
    }
  });
});
