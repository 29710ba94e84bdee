/**
 * A phone book in Consul, as the consul-lib example of cn-infra; see README.md beside it.
 *
 *     npx tsx examples/consul-lib/main.ts                                  with the Consul of CONSUL_HTTP_ADDR, or 127.0.0.1:8500
 *     npx tsx examples/consul-lib/main.ts --consul-config consul.conf      with the one that file names
 */
import { findConfig } from 'rx-datasync/config';
import { consulConfig, createConsul } from 'rx-datasync/consul';
import { run } from './consulLib.ts';

const file = findConfig('consul');

await using consul = createConsul(file === undefined ? {} : await consulConfig(file));
await run(consul, 'rx-datasync/phonebook/', (line) => console.log(line));
