import {
  type AckResult,
  ackWithCallback,
  type Broker,
  bufferDuringResync,
  type ChangeEvent,
  mapValue,
  type ResyncEvent,
  type SourceStatus,
} from 'rx-datasync';
import { createFiles, type FiledbConfig } from 'rx-datasync/files';
import { finalize, type Observable, type Observer } from 'rxjs';

/** What the configuration says of a link. */
interface Link {
  readonly mtu: number;
  readonly enabled?: boolean;
}

/** What has become of it. */
export interface LinkState {
  readonly state: 'up' | 'down';
  readonly mtu: number;
}

/**
 * Configures links as the files say, and keeps their states in the status file.
 *
 * @param prefix before all keys of this instance: `/vnf-agent/agent1/`
 */
export function agent(
  config: FiledbConfig,
  prefix: string,
  statusObserver: Partial<Observer<SourceStatus>>,
): Observable<AckResult<LinkState>> {
  const files = createFiles(config);
  const keys = `${prefix}config/`;
  const states = new States(files.status({ prefix: `${prefix}status/` }), keys);
  return files.source<Link>({ prefixes: [keys], statusObserver }).pipe(
    bufferDuringResync(),
    mapValue(configure),
    ackWithCallback<LinkState>({ resync: (event) => states.replace(event), change: (event) => states.change(event) }),
    finalize(() => void files.close()),
  );
}

/** Here it would talk to the device. What it throws makes the key `rejected`: its state stays what it was. */
function configure({ mtu, enabled = true }: Link): LinkState {
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 9216) throw new RangeError(`a link cannot have an MTU of ${mtu}`);
  return { state: enabled ? 'up' : 'down', mtu };
}

/** The status file: the state of `config/link/eth0` is `status/link/eth0`, and each event is one write. */
class States {
  readonly #broker: Broker<LinkState>;
  readonly #configured: string;

  constructor(broker: Broker<LinkState>, configured: string) {
    this.#broker = broker;
    this.#configured = configured;
  }

  async replace({ entries, rejected }: ResyncEvent<LinkState>): Promise<void> {
    const txn = this.#broker.txn();
    // What an earlier process left there goes, unless it is of a link that merely cannot be read now.
    const kept = new Set(rejected.map(({ key }) => key));
    for (const key of await this.#broker.listKeys()) if (!kept.has(this.#configured + key)) txn.delete(key);
    for (const { key, value } of entries) txn.put(this.#own(key), value);
    await txn.commit();
  }

  async change({ changes }: ChangeEvent<LinkState>): Promise<void> {
    const txn = this.#broker.txn();
    for (const change of changes) {
      if (change.op === 'put') txn.put(this.#own(change.key), change.value);
      else txn.delete(this.#own(change.key));
    }
    await txn.commit();
  }

  #own(key: string): string {
    return key.slice(this.#configured.length);
  }
}
