import { DatasyncError, messageOf } from '../../model/errors.ts';

/**
 * Loads an optional peer dependency when it is first needed.
 *
 * @param install the package with the major that is meant: `js-yaml@5`
 * @param why what needs it, for the message
 * @throws DatasyncError `MISSING_PEER`, with the npm line
 */
export async function loadPeer<M>(backend: string, install: string, why: string, load: () => Promise<M>): Promise<M> {
  try {
    return await load();
  } catch (cause) {
    const name = install.replace(/(?<=.)@[^@]*$/, '');
    const reason = messageOf(cause).split('\n')[0] ?? '';
    const message = `${why} needs the package '${name}', which cannot be loaded: npm install ${install} (${reason})`;
    throw new DatasyncError('MISSING_PEER', message, { cause, backend });
  }
}
