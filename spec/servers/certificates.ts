import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';

/** Paths of PEM files: an authority, a server for loopback and a client. The same serve etcd, Redis and Consul. */
export interface Certificates {
  readonly ca: string;
  readonly server: KeyPair;
  readonly client: KeyPair;
  /** Of an authority that no server trusts. */
  readonly stranger: KeyPair & { readonly ca: string };
}

/** Paths of a certificate and its private key. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Makes them in a folder. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const authority = await makeAuthority(folder, 'ca');
  const strange = await makeAuthority(folder, 'other-ca');
  const [server, client, stranger] = await Promise.all([
    makePair(folder, 'server', authority),
    makePair(folder, 'client', authority),
    makePair(folder, 'stranger', strange),
  ]);
  return { ca: authority.cert, server, client, stranger: { ...stranger, ca: strange.cert } };
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

async function makeAuthority(folder: string, name: string): Promise<KeyPair> {
  const pair = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) };
  const files = ['-keyout', pair.key, '-out', pair.cert];
  await run('openssl', ['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`, ...files]);
  return pair;
}

async function makePair(folder: string, name: string, authority: KeyPair): Promise<KeyPair> {
  const pair = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) };
  const request = join(folder, `${name}.csr`);
  const extensions = join(folder, `${name}.ext`);
  writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  await run('openssl', ['req', ...newKey, '-subj', `/CN=${name}`, '-keyout', pair.key, '-out', request]);
  const signer = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial', '-CAserial', `${request}.srl`];
  const made = ['-in', request, '-out', pair.cert, '-days', '2', '-extfile', extensions];
  await run('openssl', ['x509', '-req', ...signer, ...made]);
  return pair;
}
