import type { TestProject } from 'vitest/node';
import type { ServerName } from './catalogue.ts';
import { type Have, haveServers } from './have.ts';

declare module 'vitest' {
  interface ProvidedContext {
    servers: Readonly<Record<ServerName, Have>>;
  }
}

/** Runs once before the first spec of the project `servers`, so that no test's time limit has to include a download. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('servers', await haveServers());
}
