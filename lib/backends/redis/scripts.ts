import { createHash } from 'node:crypto';
import { messageOf } from '../../model/errors.ts';
import type { RedisArgument } from './client.ts';
import type { RedisCall } from './readers.ts';

/** Something that a server does in one step, on one key. */
export class Script {
  readonly #text: string;
  readonly #hash: string;

  constructor(text: string) {
    this.#text = text;
    this.#hash = createHash('sha1').update(text).digest('hex');
  }

  /** The text is sent only where the server does not know it: it forgets all of them when it restarts. */
  async run(call: RedisCall, key: Uint8Array, ...args: readonly RedisArgument[]): Promise<unknown> {
    try {
      return await call('EVALSHA', this.#hash, '1', key, ...args);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      // Unknown, it was not run.
      return call('EVAL', this.#text, '1', key, ...args);
    }
  }
}

/** Puts ARGV[2], for ARGV[3] milliseconds if that is not empty, where the key holds ARGV[1]. */
export const swap: Script = new Script(`
if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`);

/** Deletes the key where it holds ARGV[1]. */
export const remove: Script = new Script(`
if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/**
 * Lets a key that holds ARGV[1], and has a time to live, live at least ARGV[2] milliseconds more: 1; it is another's now: 0; there
 * is none: -1.
 */
export const renew: Script = new Script(`
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return -1 end
if left == -1 or redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if left < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`);

/**
 * Deletes the key where it holds ARGV[1] and has a time to live of ARGV[2] milliseconds at most: any other put has made it
 * another's. Not by `DEL`: other brokers that keep the same alive see by the count of this command that it was not meant for them.
 */
export const giveUp: Script = new Script(`
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[2]) or redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIREAT', KEYS[1], 1)`);
