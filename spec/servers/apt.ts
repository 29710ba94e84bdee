import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checksums } from './catalogue.ts';
import { run } from './run.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * An apt without root that leaves the apt of the machine alone: its own lists, state and cache, one index for all.
 *
 * @param directory where to work, absolute; the caller removes it
 * @param releases of Debian, from which packages will be asked for
 * @returns downloads packages (`name/release`) into a folder
 */
export async function openApt(
  directory: string,
  releases: readonly string[],
): Promise<(packages: readonly string[], folder: string) => Promise<void>> {
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(directory, folder), { recursive: true });
  writeFileSync(join(directory, 'status'), ''); // what is installed must not matter
  const mirror = await debianMirror();
  const lines = releases.map((release) => `deb [signed-by=${keyring}] ${mirror} ${release} main\n`);
  writeFileSync(join(directory, 'sources.list'), lines.join(''));
  writeFileSync(join(directory, 'apt.conf'), configuration(directory));
  // -c is read after the files of the machine; APT_CONFIG is read before them, and would lose.
  const apt = (cwd: string, ...args: readonly string[]) =>
    run('apt-get', ['-c', join(directory, 'apt.conf'), '-qq', ...args], { cwd, timeout: 300_000 });
  await apt(directory, 'update');
  return async (packages, folder) => {
    mkdirSync(folder, { recursive: true });
    await apt(folder, 'download', ...packages);
  };
}

/** Unpacks all packages of a folder. @returns the SHA-256 of each, by its file name */
export async function unpack(folder: string, into: string): Promise<Record<string, string>> {
  const sums: Record<string, string> = {};
  for (const file of readdirSync(folder).sort()) {
    sums[file] = checkedSum(join(folder, file), file);
    await run('dpkg', ['-x', join(folder, file), into]);
  }
  return sums;
}

/** @throws Error when a package that we know is not the one we know */
export function checkedSum(path: string, file: string): string {
  const sum = createHash('sha256').update(readFileSync(path)).digest('hex');
  const expected = checksums[file];
  if (expected !== undefined && expected !== sum) throw new Error(`${file} has the SHA-256 ${sum}, not ${expected}`);
  return sum;
}

/** The mirror that this machine takes its Debian packages from. */
async function debianMirror(): Promise<string> {
  if (!existsSync(keyring)) throw new Error(`no Debian keys on this machine (${keyring})`);
  const format = '$(LABEL) $(REPO_URI)';
  const targets = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  // Without lists nothing is known of a source but what is written down.
  const mirror = /^Debian (\S+)$/m.exec(targets)?.[1] ?? writtenMirror();
  if (mirror === undefined) throw new Error('the apt of this machine has no source of Debian packages');
  return mirror;
}

function writtenMirror(): string | undefined {
  const sources = '/etc/apt/sources.list.d/debian.sources';
  if (existsSync(sources)) return /^URIs:\s*(\S+)/m.exec(readFileSync(sources, 'utf8'))?.[1];
  const list = '/etc/apt/sources.list';
  if (existsSync(list)) return /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/m.exec(readFileSync(list, 'utf8'))?.[1];
  return undefined;
}

function configuration(directory: string): string {
  return `Dir::Etc::sourcelist "${directory}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "${directory}";
Dir::State::lists "${directory}/lists";
Dir::State::status "${directory}/status";
Dir::Cache "${directory}";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Check-Valid-Until "false";
Acquire::Retries "3";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`;
}
