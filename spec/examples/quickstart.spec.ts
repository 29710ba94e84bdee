import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { run } from '../../examples/quickstart/quickstart.ts';
import { temporaryDirectory, until, write } from '../support/files.ts';

const main = fileURLToPath(new URL('../../examples/quickstart/main.ts', import.meta.url));

describe('examples/quickstart', () => {
  it('prints the resync, every change with its previous value, what was rejected, and how it was mended', async () => {
    const lines: string[] = [];
    await run((line) => lines.push(line));
    const a = '{"address":"10.0.0.1","mtu":9000}';
    const c = '{"address":"10.0.0.3","mtu":1500}';
    const fault = 'hosts.yaml:7:43: missed comma between flow collection entries';
    expect(lines.join('\n').trim().split('\n')).toEqual([
      'RESYNC #1  revision 1  (initial)',
      '  + /nodes/a  {"address":"10.0.0.1","mtu":1500}',
      '  + /nodes/b  {"address":"10.0.0.2","mtu":1500}',
      '  + /routes/default  {"via":"10.0.0.254"}',
      '',
      '--- edit nodes.yaml: a changes, b goes, c comes',
      'CHANGE  revision 2',
      `  ~ /nodes/a  {"address":"10.0.0.1","mtu":1500} → ${a}`,
      `  + /nodes/c  ${c}`,
      '  - /nodes/b  was {"address":"10.0.0.2","mtu":1500}',
      '',
      '--- rename nodes.yaml to hosts.yaml, which changes no entry, and edit routes.json',
      'CHANGE  revision 3',
      '  ~ /routes/default  {"via":"10.0.0.254"} → {"via":"10.0.0.1"}',
      '',
      '--- break hosts.yaml: the wrong bracket',
      `STATUS  stale: ${fault}`,
      'CHANGE  revision 4',
      `  ! /nodes/a  rejected: ${fault}`,
      `      stays ${a}`,
      `  ! /nodes/c  rejected: ${fault}`,
      `      stays ${c}`,
      '',
      '--- mend hosts.yaml',
      'CHANGE  revision 5',
      `  ~ /nodes/a  ${a} → ${a}`,
      `  ~ /nodes/c  ${c} → ${c}`,
      '  + /nodes/d  {"address":"10.0.0.4","mtu":1500}',
      'STATUS  all is well again',
      '',
      '--- remove routes.json',
      'CHANGE  revision 6',
      '  - /routes/default  was {"via":"10.0.0.1"}',
    ]);
  });

  it('watches a directory of yours with --watch, until it is stopped', async () => {
    const directory = temporaryDirectory();
    write(`${directory}/mine.yaml`, { '/my/key': 1 });
    const child = promisify(execFile)(process.execPath, ['--import', 'tsx', main, '--watch', directory]);
    let printed = '';
    child.child.stdout?.on('data', (text: string) => {
      printed += text;
    });
    const ended = child.catch(({ signal }: { signal: string }) => signal);
    await until(() => expect(printed).toBe('RESYNC #1  revision 1  (initial)\n  + /my/key  1\n'));
    write(`${directory}/mine.yaml`, { '/my/key': 2 });
    await until(() => expect(printed).toMatch(/CHANGE {2}revision 2\n {2}~ \/my\/key {2}1 → 2\n$/));
    child.child.kill('SIGINT');
    expect(await ended).toBe('SIGINT');
  });
});
