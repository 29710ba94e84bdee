import { appendFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Step {
  readonly title: string;
  readonly run: () => Promise<void>;
}

/** What happens to the sample files; each step leads to one event. */
export function stepsIn(directory: string): readonly Step[] {
  const nodes = join(directory, 'nodes.yaml');
  const hosts = join(directory, 'hosts.yaml');
  const routes = join(directory, 'routes.json');
  const a = '  - key: /nodes/a\n    value: { address: 10.0.0.1, mtu: 9000 }\n';
  const c = '  - key: /nodes/c\n    value: { address: 10.0.0.3, mtu: 1500 }\n';
  return [
    {
      title: 'edit nodes.yaml: a changes, b goes, c comes',
      run: () => writeFile(nodes, `data:\n${a}${c}`),
    },
    {
      title: 'rename nodes.yaml to hosts.yaml, which changes no entry, and edit routes.json',
      run: async () => {
        await rename(nodes, hosts);
        await writeFile(routes, '{ "data": [{ "key": "/routes/default", "value": { "via": "10.0.0.1" } }] }');
      },
    },
    {
      title: 'break hosts.yaml: the wrong bracket',
      run: () => appendFile(hosts, '  - key: /nodes/d\n    value: { address: 10.0.0.4, mtu: 1500 ]\n'),
    },
    {
      title: 'mend hosts.yaml',
      run: () => writeFile(hosts, `data:\n${a}${c}  - key: /nodes/d\n    value: { address: 10.0.0.4, mtu: 1500 }\n`),
    },
    {
      title: 'remove routes.json',
      run: () => rm(routes),
    },
  ];
}
