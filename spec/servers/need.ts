import { inject } from 'vitest';
import { recordBackend } from '../support/recordBackend.ts';
import type { ServerName } from './catalogue.ts';
import type { Found } from './find.ts';

/**
 * The programs of a server. Where it cannot be had, the backend table gets a row with the reason, which fails the run with
 * `DATASYNC_REQUIRE=all`.
 *
 * @example
 * describe.runIf(needServer('etcd-3.4'))('fromEtcd on a real server', () => { … startEtcd() … });
 */
export function needServer(name: ServerName): Found | undefined {
  const have = inject('servers')[name];
  if ('found' in have) return have.found;
  recordBackend({
    backend: name.replace(/-.*/, ''),
    version: name.replace(/.*-/, ''),
    invariants: [],
    skipped: [],
    missing: have.missing,
  });
  return undefined;
}

/** As `needServer`, for those who have asked it before. */
export function foundServer(name: ServerName): Found {
  const have = inject('servers')[name];
  if ('found' in have) return have.found;
  throw new Error(`${name}: ${have.missing}`);
}
