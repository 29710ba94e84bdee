import { Redis as Client5 } from 'ioredis-5';
import { describe, it } from 'vitest';
import { describeSource } from '../../../lib/testing/index.ts';
import ioredis from '../../../node_modules/ioredis-5/package.json' with { type: 'json' };
import { needServer } from '../../servers/need.ts';
import { redisLine } from '../../servers/redis.ts';
import { recordBackend } from '../../support/recordBackend.ts';
import { nodeSubject } from './subject.ts';

const found = needServer(redisLine);
const version = `${found?.version}, ioredis ${ioredis.version}`;
const announcing = ['--notify-keyspace-events', 'KA'];

describe.runIf(found)('a Redis node that announces keys', () => {
  const subject = nodeSubject('redis, keyspace', version, { mode: 'keyspace' }, (o) => new Client5(o), announcing);
  describeSource(subject, { describe, it, report: recordBackend });
});
