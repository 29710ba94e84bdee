import { DatasyncError, messageOf } from '../../model/errors.ts';

/** The optional peers of this backend, with the major that it is written for. */
const peers = { chokidar: 'chokidar@5', 'js-yaml': 'js-yaml@5' } as const;

/**
 * Loads an optional peer dependency when it is first needed.
 *
 * @param why what needs it, for the message
 * @throws DatasyncError `MISSING_PEER`, with the npm line
 */
export async function loadPeer<M>(name: keyof typeof peers, why: string, load: () => Promise<M>): Promise<M> {
  try {
    return await load();
  } catch (cause) {
    const reason = messageOf(cause).split('\n')[0] ?? '';
    const message = `${why} needs the package '${name}', which cannot be loaded: npm install ${peers[name]} (${reason})`;
    throw new DatasyncError('MISSING_PEER', message, { cause, backend: 'files' });
  }
}
