import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** What is started. */
export interface ChildOptions {
  /** For messages: `etcd n0`. */
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it works; removed when the run ends without stopping it. */
  readonly directory: string;
}

/** Milliseconds between SIGTERM and SIGKILL: an etcd whose peers are gone takes 7 s to stop by itself. */
const grace = 1_500;
const readyLimit = 30_000;
const readyInterval = 10;
const linesKept = 30;

/** A server process: it never outlives the process that started it, and says its last words when it ends too early. */
export class Child {
  readonly label: string;
  readonly #process: ChildProcess;
  readonly #guard: ChildProcess;
  readonly #exited: Promise<void>;
  #output: string[] = [];
  #ended: string | undefined;

  constructor({ label, command, args, env, directory }: ChildOptions) {
    this.label = label;
    // A group of its own: Ctrl-C in a terminal is for us, and we stop it then.
    const child = spawn(command, args, { cwd: directory, env: { ...process.env, ...env }, detached: true });
    this.#process = child;
    this.#exited = new Promise((resolve) => {
      const ended = (how: string) => {
        this.#ended ??= how;
        resolve();
      };
      child.once('error', (error) => ended(`could not start: ${error.message}`));
      child.once('exit', (code, signal) => ended(signal === null ? `exited with ${code}` : `was ended by ${signal}`));
    });
    child.stdout.on('data', (data: Buffer) => this.#hear(data));
    child.stderr.on('data', (data: Buffer) => this.#hear(data));
    this.#guard = guard(child.pid, directory);
    void this.#exited.then(() => this.#guard.stdin?.end('gone\n'));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** How it ended; `undefined`: it runs. */
  get ended(): string | undefined {
    return this.#ended;
  }

  /** The last lines that it printed. */
  get output(): string {
    return this.#output.join('\n');
  }

  /**
   * Waits until the server answers.
   *
   * @throws Error at once when it has ended, with its last output
   */
  async ready(check: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + readyLimit;
    for (;;) {
      if (this.#ended !== undefined) throw new Error(`${this.label} ${this.#ended}:\n${this.output}`);
      if (await check().catch(() => false)) return;
      if (performance.now() > end)
        throw new Error(`${this.label} was not ready after ${readyLimit} ms:\n${this.output}`);
      await Promise.race([sleep(readyInterval), this.#exited]);
    }
  }

  /** `SIGSTOP` and `SIGCONT` pause it and let it go on. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** SIGTERM; SIGKILL after 1.5 seconds. */
  async stop(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.signal('SIGTERM');
    this.signal('SIGCONT'); // a process that is paused hears nothing
    const late = setTimeout(() => this.signal('SIGKILL'), grace);
    await this.#exited;
    clearTimeout(late);
  }

  /** SIGKILL, as a crash; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#exited;
  }

  #hear(data: Buffer): void {
    this.#output = [...this.#output, ...data.toString().trimEnd().split('\n')].slice(-linesKept);
  }
}

/**
 * A shell that outlives us: when its standard input closes without a word, we are gone, however that happened, and it ends
 * what we have started and removes its data.
 */
function guard(pid: number | undefined, directory: string): ChildProcess {
  const script = 'read -r word || { kill -9 "$0"; sleep 0.2; rm -rf "$1"; }';
  const shell = spawn('/bin/sh', ['-c', script, String(pid ?? 0), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  return shell;
}
