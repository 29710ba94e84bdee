import { Redis as Client5 } from 'ioredis-5';
import { describe, it } from 'vitest';
import { describeSource } from '../../../lib/testing/index.ts';
import ioredis from '../../../node_modules/ioredis/package.json' with { type: 'json' };
import ioredis5 from '../../../node_modules/ioredis-5/package.json' with { type: 'json' };
import { needServer } from '../../servers/need.ts';
import { redisLine } from '../../servers/redis.ts';
import { recordBackend } from '../../support/recordBackend.ts';
import { handMadeSubject } from './subject.ts';

const found = needServer(redisLine);
const announcing = ['--notify-keyspace-events', 'KA'];

// Each way to listen with the client that the node's own conformance does not have it with.
describe.runIf(found)('a Redis node, list and watch by hand', () => {
  const subjects = [
    handMadeSubject(
      'redis, list and watch by hand',
      `${found?.version}, ioredis ${ioredis5.version}`,
      {},
      (options) => new Client5(options),
    ),
    handMadeSubject(
      'redis, list and watch by hand, keyspace',
      `${found?.version}, ioredis ${ioredis.version}`,
      { mode: 'keyspace' },
      undefined,
      announcing,
    ),
  ];
  for (const subject of subjects) describeSource(subject, { describe, it, report: recordBackend });
});
