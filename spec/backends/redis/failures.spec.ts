import { describe, expect, it } from 'vitest';
import { isDenied } from '../../../lib/backends/redis/failures.ts';

describe('failures of Redis', () => {
  it.each([
    "NOPERM this user has no permissions to run the 'pexpire' command",
    "NOPERM User default has no permissions to run the 'pexpire' command",
    "ERR The user executing the script can't run this command or subcommand script: cb36, on @user_script:1.",
    // Valkey, and Redis from 7.2 on.
    "ERR ACL failure in script: User default has no permissions to run the 'pexpire' command script: cb36, on @user_script:1.",
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
  ])('is not allowed: %s', (message) => {
    expect(isDenied(new Error(message))).toBe(true);
  });

  it.each([
    'ERR Error running script (call to f_cb36): @user_script:1: user_script:1: attempt to index a nil value',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
  ])('is another error: %s', (message) => {
    expect(isDenied(new Error(message))).toBe(false);
  });
});
