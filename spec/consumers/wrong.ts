// What must not compile, from the packed tarball, with any TypeScript that is supported.
import {
  ackWithCallback,
  type DatasyncEvent,
  distinctValue,
  fromMemory,
  jsonCodec,
  memoryBroker,
  memoryStore,
  publishTo,
  type ResyncEvent,
  type Source,
  textCodec,
} from 'rx-datasync';

declare const source: Source<{ readonly mtu: number }>;
declare const resync: ResyncEvent<number>;
declare function take(event: DatasyncEvent<number>): void;
const store = memoryStore();
const nothing = (): void => undefined;

// @ts-expect-error a handler is missing
source.pipe(ackWithCallback({ resync: nothing }));
// @ts-expect-error the other one
source.pipe(ackWithCallback({ change: nothing }));
// @ts-expect-error an unknown option
source.pipe(ackWithCallback({ resync: nothing, change: nothing }, { parallel: 2 }));

// @ts-expect-error values of another type
export const texts: Source<string> = fromMemory(store, { prefixes: [''], codec: jsonCodec<number>() });
// @ts-expect-error values of another type
source.pipe(distinctValue((told: string, value: string) => told === value));
// @ts-expect-error values of another type
source.pipe(publishTo(memoryBroker(store, { codec: textCodec })));
// @ts-expect-error a codec is needed for values that are no bytes
memoryBroker<number>(store);
// @ts-expect-error prefixes are required
fromMemory(store, {});

// @ts-expect-error object spread of an event loses the ack
take({ ...resync });
// @ts-expect-error also where it replaces something
take({ ...resync, revision: 7 });
// @ts-expect-error another value type needs all fields that carry values
resync.with<string>({ revision: 7 });
// @ts-expect-error events are read-only
resync.revision = 7;
