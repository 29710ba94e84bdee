import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { root } from './imports.ts';

/** A program of `examples/` in a process of its own, which is killed with the test. */
export class Program {
  /** What it has printed, errors too. */
  printed = '';
  readonly #child: ChildProcess;
  readonly #end: Promise<unknown>;

  constructor(file: string, args: readonly string[], variables: Readonly<Record<string, string>>) {
    const env = { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'), ...variables };
    const all = ['--import', import.meta.resolve('tsx'), join(root, 'examples', file), ...args];
    this.#child = spawn(process.execPath, all, { env, stdio: 'pipe' });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on('data', (text: Buffer) => {
        this.printed += text.toString();
      });
    this.#end = once(this.#child, 'close');
    onTestFinished(() => this.end('SIGKILL').then(() => undefined));
  }

  /** Types a line. */
  enters(text: string): void {
    this.#child.stdin!.write(`${text}\n`);
  }

  /** Resolves when it has printed a text. */
  says(text: string): Promise<void> {
    return expect.poll(() => this.printed, { timeout: 50_000, interval: 20 }).toContain(text);
  }

  /** Resolves when it has ended, with a signal or by itself. @returns its exit code */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.#child.kill(signal);
    await this.#end;
    return this.#child.exitCode;
  }
}
