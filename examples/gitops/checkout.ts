import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const identity = ['-c', 'user.name=Author', '-c', 'user.email=author@example.org', '-c', 'commit.gpgsign=false'];

/** Inside of a git hook these say which repository is meant, wherever git is run. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));

async function git(directory: string, ...args: readonly string[]): Promise<void> {
  await promisify(execFile)('git', [...identity, '-C', directory, ...args], { env: environment });
}

/** An author's repository, and a checkout of it on the machine that is configured. */
export class Checkout {
  readonly #parent: string;

  private constructor(parent: string) {
    this.#parent = parent;
  }

  /** @param files of the first commit */
  static async create(files: Readonly<Record<string, string>>): Promise<Checkout> {
    const checkout = new Checkout(await mkdtemp(join(tmpdir(), 'rx-datasync-gitops-')));
    await mkdir(checkout.#author);
    await git(checkout.#author, 'init', '--quiet', '--initial-branch=main');
    await checkout.commit('the first one', files);
    await git(checkout.#parent, 'clone', '--quiet', checkout.#author, checkout.directory);
    return checkout;
  }

  /** What is configured from. */
  get directory(): string {
    return join(this.#parent, 'machine');
  }

  get #author(): string {
    return join(this.#parent, 'author');
  }

  /** The author commits. */
  async commit(message: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.#author, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
    await git(this.#author, 'add', '--all');
    await git(this.#author, 'commit', '--quiet', `--message=${message}`);
  }

  /** The machine gets what was committed: all its files at once, as far as git can. */
  async pull(): Promise<void> {
    await git(this.directory, 'fetch', '--quiet');
    await git(this.directory, 'reset', '--quiet', '--hard', 'origin/main');
  }

  remove(): Promise<void> {
    return rm(this.#parent, { recursive: true });
  }
}
