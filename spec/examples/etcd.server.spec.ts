import { describe, expect, it } from 'vitest';
import type { Etcd } from '../servers/etcd.ts';
import { needServer } from '../servers/need.ts';
import { ownEtcd } from '../support/etcd.ts';
import { read } from '../support/imports.ts';
import { Program } from '../support/program.ts';

const page = read('examples/etcd/README.md');
/** What the page shows that begins with a line. */
const shown = (first: string) => new RegExp(`^\`\`\`\\n(${first}\\n.*?)^\`\`\``, 'ms').exec(page)![1]!;
const at = ({ endpoints }: Etcd) => ({ ETCD_ENDPOINTS: endpoints.join(',') });

/** Runs the editor or the view. @returns what it has printed, and its exit code */
async function ran(etcd: Etcd | undefined, file: string, ...args: string[]): Promise<[string, number | null]> {
  const program = new Program(`etcd/${file}`, args, etcd === undefined ? { ETCD_ENDPOINTS: '127.0.0.1:1' } : at(etcd));
  const code = await program.end();
  return [program.printed, code];
}

describe.runIf(needServer('etcd-3.4'))('examples/etcd', () => {
  it('the phone book: what the editor writes the watcher tells, as the page says, and the view prints', async () => {
    const etcd = await ownEtcd();
    const watcher = new Program('etcd/watcher.ts', [], at(etcd));
    const lines = shown('0 contacts \\(initial\\)').split('\n');
    const commands = [...page.matchAll(/^npx tsx examples\/etcd\/(editor\.ts) (.*)$/gm)];
    expect(commands).toHaveLength(lines.length - 2);
    await watcher.says(`${lines[0]}\n`);
    for (const [index, [, file, args]] of commands.entries()) {
      expect(await ran(etcd, file!, ...args!.split(' '))).toEqual([expect.any(String), 0]);
      await watcher.says(`${lines[index + 1]}\n`);
    }
    expect(watcher.printed).toBe(lines.join('\n'));
    expect(await ran(etcd, 'view.ts')).toEqual([shown('1 contacts'), 0]);
    expect(await ran(etcd, 'editor.ts', 'delete', 'bob')).toEqual(['bob was not there\n', 0]);
    expect(await watcher.end('SIGTERM')).toBe(0);
  });

  it('the watcher says what is no contact, and goes on when etcd was away', async () => {
    const etcd = await ownEtcd();
    const [member] = etcd.members;
    expect(await ran(etcd, 'editor.ts', 'put', 'ann', 'Ropes', '0100')).toEqual(['ann is in the book\n', 0]);
    const watcher = new Program('etcd/watcher.ts', [], at(etcd));
    await watcher.says('1 contacts (initial)\n  ann: Ropes, 0100\n');
    await etcd.ctl('put', '/phonebook/ann', 'x');
    await watcher.says('! ann: this is no contact\n');
    await member!.kill();
    await watcher.says('! [rx-datasync/etcd] ');
    await member!.start();
    await watcher.says('= etcd is back\n');
    expect(await ran(etcd, 'editor.ts', 'put', 'ann', 'Ropes', '0101')).toEqual(['ann is in the book\n', 0]);
    await watcher.says('~ ann: Ropes, 0101 (was Ropes, 0100)\n');
    expect(watcher.printed.match(/contacts/g)).toHaveLength(1);
  });

  it('the election: one leads, another one when it is gone, and nothing is left behind', async () => {
    const etcd = await ownEtcd();
    const ann = new Program('etcd/election.ts', ['ann'], at(etcd));
    await ann.says('ann leads\n');
    const bob = new Program('etcd/election.ts', ['bob'], at(etcd));
    await ann.says('candidates: ann, bob\n');
    await bob.says('candidates: ann, bob\n');
    expect(bob.printed).not.toContain('leads');
    await ann.end('SIGKILL');
    await bob.says('candidates: bob\n');
    await bob.says('bob leads\n');
    const cid = new Program('etcd/election.ts', ['cid'], at(etcd));
    await bob.says('candidates: bob, cid\n');
    expect(await bob.end('SIGTERM')).toBe(0);
    await cid.says('cid leads\n');
    expect(await cid.end('SIGINT')).toBe(0);
    expect(await etcd.ctl('get', '/election/', '--prefix', '--keys-only')).toBe('');
  });

  it('an etcd that is not there, and a word that is missing, are said in one line', async () => {
    expect(await ran(undefined, 'view.ts')).toEqual([expect.stringMatching(/^\[rx-datasync\/etcd\] .*\n$/), 1]);
    for (const [file, ...args] of [['editor.ts', 'put', 'ann'], ['election.ts']])
      expect(await ran(undefined, file!, ...args)).toEqual([expect.stringMatching(/^usage: .*\n$/), 1]);
  });
});
