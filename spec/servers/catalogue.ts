/** One line of a server: what is tested when a spec asks for it by its name. */
export interface CatalogueEntry {
  /** The version that is fetched, and asked of the cache. */
  readonly version: string;
  /** The first is the server, the second its client, then whatever else there is. The server says its version with `--version`. */
  readonly programs: readonly string[];
  /** Debian packages, each with its release; their libraries come along. */
  readonly debs?: readonly string[];
  /** It needs a newer libc than the machine may have: it is started by the loader that comes with it. */
  readonly bringsLibc?: true;
  /** Only fetched when somebody asks for it: `npm run servers -- --all`, or `DATASYNC_REDIS_LINE`. */
  readonly isSecondLine?: true;
  /** Programs that are links to another, which decides by its name what it is. */
  readonly links?: Readonly<Record<string, string>>;
  /** How `npm run servers -- --go` builds it. */
  readonly go?: GoBuild;
}

/** The package of each program, and what it is built with. */
export type GoBuild = { readonly programs: Readonly<Record<string, string>> } & (
  | {
      /** Each as `path@version`. */
      readonly modules: readonly string[];
      /** The source of a package of our own, `./main`. */
      readonly main: string;
    }
  | {
      /** `path@version` of what has the programs: built with requirements and checksums of its own, to behave as by the Go it names. */
      readonly module: string;
    }
);

const etcdByGo = (version: string): CatalogueEntry => ({
  version,
  // Since 3.6 a backup is restored by a program of its own.
  programs: ['etcd', 'etcdctl', 'etcdutl'],
  go: {
    modules: ['server', 'etcdctl', 'etcdutl'].map((module) => `go.etcd.io/etcd/${module}/v3@v${version}`),
    // `go install` refuses it for its replace directives; a main of our own is not asked.
    main: 'package main\nimport ("os"; "go.etcd.io/etcd/server/v3/etcdmain")\nfunc main() { etcdmain.Main(os.Args) }\n',
    programs: { etcd: './main', etcdctl: 'go.etcd.io/etcd/etcdctl/v3', etcdutl: 'go.etcd.io/etcd/etcdutl/v3' },
  },
});

const consulByGo = (version: string): CatalogueEntry => {
  const path = 'github.com/hashicorp/consul';
  return { version, programs: ['consul'], go: { module: `${path}@v${version}`, programs: { consul: path } } };
};

/** Every server that specs may ask for. Those with `debs` are fetched by default. */
export const catalogue = {
  'etcd-3.4': {
    version: '3.4.23',
    programs: ['etcd', 'etcdctl'],
    debs: ['etcd-server/bookworm', 'etcd-client/bookworm'],
  },
  'etcd-3.5': {
    version: '3.5.16',
    programs: ['etcd', 'etcdctl'],
    debs: ['etcd-server/trixie', 'etcd-client/trixie'], // runs on bookworm: it needs libc alone
  },
  'etcd-3.6': etcdByGo('3.6.16'),
  'etcd-3.7': etcdByGo('3.7.3'),
  'redis-7': {
    version: '7.0.15',
    programs: ['redis-server', 'redis-cli'],
    debs: ['redis-tools/bookworm', 'libatomic1/bookworm', 'libjemalloc2/bookworm', 'liblzf1/bookworm'],
    links: { 'redis-server': 'redis-check-rdb' },
  },
  'redis-8': {
    version: '8.0.2',
    programs: ['redis-server', 'redis-cli'],
    debs: [
      ...['redis-tools/trixie', 'libc6/trixie', 'libatomic1/trixie', 'libgcc-s1/trixie', 'libstdc++6/trixie'],
      ...['libjemalloc2/trixie', 'liblzf1/trixie', 'libssl3t64/trixie', 'libsystemd0/trixie', 'libcap2/trixie'],
      ...['libzstd1/trixie', 'zlib1g/trixie'],
    ],
    links: { 'redis-server': 'redis-check-rdb' },
    bringsLibc: true,
    isSecondLine: true,
  },
  'valkey-8': {
    version: '8.0.1',
    programs: ['valkey-server', 'valkey-cli'],
    debs: ['valkey-tools/bookworm-backports', 'libatomic1/bookworm', 'libjemalloc2/bookworm', 'liblzf1/bookworm'],
    links: { 'valkey-server': 'valkey-check-rdb' },
    isSecondLine: true,
  },
  'consul-1.8': { version: '1.8.7', programs: ['consul'], debs: ['consul/bullseye'] },
  'consul-1.14': consulByGo('1.14.11'),
  'consul-1.22': consulByGo('1.22.5'),
} as const satisfies Readonly<Record<string, CatalogueEntry>>;

/** The name of a line of a server. */
export type ServerName = keyof typeof catalogue;

/** All names, in the order of the catalogue. */
export const serverNames: readonly ServerName[] = Object.keys(catalogue) as ServerName[];

/** The entry of a name, with all its optional fields. */
export function entryOf(name: ServerName): CatalogueEntry {
  return catalogue[name];
}

/**
 * SHA-256 of the packages. apt proves each against the signed index; this also says that it is the one that was tested. A
 * later Debian revision has another file name and is taken on the word of apt alone.
 */
export const checksums: Readonly<Record<string, string>> = {
  'consul_1.8.7+dfsg1-2+b3_amd64.deb': 'e4e888bba104daba1d9161f49bfc52649a7e4efd45b1a7ead5bc54f2cb9c89d9',
  'etcd-client_3.4.23-4+b4_amd64.deb': 'db3a484d5d924b50bf71f459ee544ecd7b11c25dc2f6becc0c50352d67299cc8',
  'etcd-client_3.5.16-4_amd64.deb': '7eb67e305ba2ce523a5a0b29bf88750ded3f724769c7111a83382b7909f9977b',
  'etcd-server_3.4.23-4+b4_amd64.deb': '3a9445d4560ad6de1c375756b2a17d97713df44cbd20a658c871fe108af7ef5d',
  'etcd-server_3.5.16-4_amd64.deb': '0875921bb0d023f2af9b8e15cdfbe417a03e65731345fb832c40f9c2dd72967b',
  'libatomic1_12.2.0-14+deb12u1_amd64.deb': 'fbd4e154a6b444229ea002cc209df099209c0adc09102e5fd21239a3d2b55e2d',
  'libjemalloc2_5.3.0-1_amd64.deb': 'a4117c23c5c8acf6c9678a6cb086f000b79476369da7efe8a78a70826956ad3d',
  'liblzf1_3.6-3_amd64.deb': '9854b0866201b63e04f1e446f45f01ef4a6f72c61f2250b75f944f6046cc7e8c',
  'redis-tools_5%3a7.0.15-1~deb12u7_amd64.deb': '3c8cd27847c6a06b6f6c29e7415a9057462a89661e3a8e2eb8dd5b2d7830bb40',
  'redis-tools_5%3a8.0.2-3+deb13u2_amd64.deb': '9d7cbe20963c8bfc00af3e8a3a33451bb815f7501b12e55583f9e942a767859b',
  'valkey-tools_8.0.1+dfsg1-1~bpo12+1_amd64.deb': 'd2c2ea67642fa9571a07138b80ae52ebe566311c952aef25a39c1d5050697853',
};
