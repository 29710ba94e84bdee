import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Child } from './child.ts';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'rx-datasync-child-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function shell(script: string, folder = directory()): Child {
  const child = new Child({ label: 'sh', command: '/bin/sh', args: ['-c', script], directory: folder });
  onTestFinished(() => child.kill());
  return child;
}

/** Whether a process is there and has not ended. */
function runs(pid: number): boolean {
  try {
    // A zombie still takes signals.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const long = { timeout: 15_000, interval: 20 };

describe('a server process', () => {
  it('that ends before it is ready is reported at once, with its last words', async () => {
    const child = shell('echo starting; echo "no such file" >&2; exit 3');
    await expect(child.ready(() => Promise.resolve(false))).rejects.toThrow(/sh exited with 3:\n.*no such file/s);
    const none = new Child({ label: 'none', command: '/no/such/program', args: [], directory: directory() });
    await expect(none.ready(() => Promise.resolve(false))).rejects.toThrow(/none could not start: .*ENOENT/);
    await none.stop();
  });

  it('that does not hear SIGTERM is killed', async () => {
    const child = shell('trap "" TERM; echo ready; while :; do sleep 0.05; done');
    await child.ready(() => Promise.resolve(child.output.includes('ready')));
    await child.stop();
    expect(child.ended).toBe('was ended by SIGKILL');
  });

  it('that is paused is stopped too', async () => {
    const child = shell('echo ready; while :; do sleep 0.05; done');
    await child.ready(() => Promise.resolve(child.output.includes('ready')));
    child.signal('SIGSTOP');
    await child.stop();
    expect(child.ended).toBe('was ended by SIGTERM');
  });

  it('ends, and its data is removed, when the process that started it is killed', async () => {
    const folder = directory();
    const script = `
      import { Child } from ${JSON.stringify(new URL('./child.ts', import.meta.url).href)};
      new Child({ label: 'sh', command: '/bin/sh', args: ['-c', 'echo $$ > pid; exec sleep 600'], directory: ${JSON.stringify(folder)} });
      setInterval(() => {}, 1000);`;
    const run = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: 'inherit' });
    const file = join(folder, 'pid');
    const text = () => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '');
    await expect.poll(text, long).not.toBe('');
    const pid = Number(text());
    expect(runs(pid)).toBe(true);
    run.kill('SIGKILL');
    await once(run, 'exit');
    await expect.poll(() => [runs(pid), existsSync(folder)], long).toEqual([false, false]);
  });
});
