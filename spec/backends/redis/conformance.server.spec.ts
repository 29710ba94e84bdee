import { describe, it } from 'vitest';
import { describeSource } from '../../../lib/testing/index.ts';
import ioredis from '../../../node_modules/ioredis/package.json' with { type: 'json' };
import { needServer } from '../../servers/need.ts';
import { redisLine } from '../../servers/redis.ts';
import { recordBackend } from '../../support/recordBackend.ts';
import { nodeSubject } from './subject.ts';

const found = needServer(redisLine);
const version = `${found?.version}, ioredis ${ioredis.version}`;

describe.runIf(found)('a Redis node', () => {
  describeSource(nodeSubject('redis', version, {}), { describe, it, report: recordBackend });
});
