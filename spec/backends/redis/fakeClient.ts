import type { RedisNode } from '../../../lib/backends/redis/client.ts';

/** What a server answers, by the name of the command. */
export type Answers = (command: string, args: readonly unknown[]) => unknown;

/** A client whose server is a function; an answer that is an Error is one. */
export function fakeClient(answers: Answers): RedisNode {
  const call = async (command: string, ...args: readonly unknown[]): Promise<unknown> => {
    const answer = await answers(command.toUpperCase(), args.flat());
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const client: RedisNode = {
    isCluster: false,
    options: {},
    status: 'ready',
    call,
    callBuffer: call,
    connect: () => Promise.resolve(),
    disconnect: () => undefined,
    duplicate: () => fakeClient(answers),
    multi: () => {
      throw new Error('there are no transactions here');
    },
    on: () => undefined,
    off: () => undefined,
  };
  return client;
}
