import { DatasyncError } from '../../model/errors.ts';

/**
 * The synchronous form of `loadPeer`, for a client that is made by a configuration: whoever passes a client in has the package already.
 *
 * @param install the package with the major that is meant: `ioredis@6`
 * @throws DatasyncError `MISSING_PEER`, with the npm line
 */
export function requirePeer<M>(backend: string, install: string, load: () => M): M {
  try {
    return load();
  } catch (cause) {
    const name = install.slice(0, install.lastIndexOf('@'));
    const message = `${backend} needs the package '${name}', which cannot be loaded: npm install ${install}`;
    throw new DatasyncError('MISSING_PEER', message, { cause, backend });
  }
}
