import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../../examples/filedb/filedb.ts';
import { temporaryDirectory, until, write } from '../support/files.ts';
import { read, root } from '../support/imports.ts';

describe('examples/filedb', () => {
  it('prints what its page shows: each event, its outcome, and the status file', { timeout: 60_000 }, async () => {
    const lines: string[] = [];
    await run((line) => lines.push(line));
    const shown = /^```\n(resync .*?)```/ms.exec(read('examples/filedb/README.md'))?.[1];
    expect(lines.join('\n').trimEnd()).toBe(shown?.trimEnd());
  });

  it('runs on a filedb.conf of yours, for the instance it is told to be', { timeout: 60_000 }, async () => {
    const directory = temporaryDirectory();
    write(join(directory, 'filedb.conf'), 'configuration-paths: [config]\nstatus-path: status.json\n');
    const key = '/vnf-agent/mine/config/link/eth0';
    write(join(directory, 'config', 'a.json'), {
      [key]: { mtu: 1500 },
      '/vnf-agent/vpp1/config/link/eth0': { mtu: 68 },
    });
    const env = { ...process.env, MICROSERVICE_LABEL: 'mine', TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') };
    const args = ['--import', import.meta.resolve('tsx'), join(root, 'examples/filedb/main.ts')];
    const child = spawn(process.execPath, args, { cwd: directory, env });
    onTestFinished(() => void child.kill());
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => {
        printed += text.toString();
      });
    await until(() => expect(printed).toBe('reading config for /vnf-agent/mine/\nresync at 1: applied\n'));
    const item = '{"key": "/vnf-agent/mine/status/link/eth0", "value": {"state":"up","mtu":1500}}';
    expect(readFileSync(join(directory, 'status.json'), 'utf8')).toBe(`{"data": [\n  ${item}\n]}\n`);
  });
});
