import { loadPeer as loadPeerOf } from '../internal/loadPeer.ts';

/** The optional peers of this backend, with the major that it is written for. */
const peers = { chokidar: 'chokidar@5', 'js-yaml': 'js-yaml@5' } as const;

/**
 * Loads an optional peer dependency when it is first needed.
 *
 * @param why what needs it, for the message
 * @throws DatasyncError `MISSING_PEER`, with the npm line
 */
export function loadPeer<M>(name: keyof typeof peers, why: string, load: () => Promise<M>): Promise<M> {
  return loadPeerOf('files', peers[name], why, load);
}
