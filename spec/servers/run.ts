import { execFile } from 'node:child_process';

/** How a program is run to its end. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds, default 60,000; then it is killed and has failed. */
  readonly timeout?: number;
  /** For its standard input. */
  readonly input?: string | Uint8Array;
}

/** Runs a program and resolves with what it printed; fails with what it printed as an error. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env, timeout = 60_000, input } = options;
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { cwd, env: { ...process.env, ...env }, timeout, maxBuffer: 2 ** 30 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${command} ${args.join(' ')}: ${stderr.trim() || stdout.trim() || error.message}`));
      },
    );
    child.stdin?.on('error', () => undefined); // it may end before it has read everything
    child.stdin?.end(input);
  });
}
