import { type Surroundings, setting } from '../backends/internal/flag.ts';
import { DatasyncError } from '../model/errors.ts';
import { checkOptions, isObject, rule, shown } from '../model/options.ts';

/** What {@link serviceLabel} takes. */
export interface ServiceLabelConfig extends Surroundings {
  /** The label; goes before flag and variable. */
  readonly label?: string;
  /** What all instances have in common before their labels. Default: `/vnf-agent/`. */
  readonly root?: string;
}

/** The name of one instance of a program, and where its keys are. */
export interface ServiceLabel {
  readonly label: string;
  /** Before all keys that are meant for this instance: `/vnf-agent/vpp1/`. */
  readonly prefix: string;
  /** Before the keys of all instances: `/vnf-agent/`. */
  readonly root: string;
  /** The prefix of another instance. @throws DatasyncError `INVALID_CONFIG`, where that is no label */
  prefixOf(label: string): string;
}

/**
 * The microservice label: which instance of a program this one is, so that it takes from a store only what is meant for it.
 *
 * As cn-infra looks for it: the label that is passed in, else the flag `--microservice-label`, else the variable
 * `MICROSERVICE_LABEL`, else `vpp1`. Other than there, an empty variable is the same as none, and a label that is empty or
 * has a `/` in it is refused: its keys would be mixed with those of others.
 *
 * @example
 * const { prefix } = serviceLabel();
 * fromFiles({ paths: ['config/'], prefixes: [`${prefix}config/`] })
 *
 * @param config see {@link ServiceLabelConfig}; `args` and `env` instead of those of the process
 * @throws DatasyncError `INVALID_CONFIG`
 */
export function serviceLabel(config: ServiceLabelConfig = {}): ServiceLabel {
  checkOptions('serviceLabel', config, {
    label: rule.text,
    root: rule.anyText,
    args: rule.texts,
    env: [isObject, 'an object of texts'],
  });
  const { label = setting('microservice-label', config) ?? 'vpp1', root = '/vnf-agent/' } = config;
  const prefixOf = (other: string) => `${root}${checked(other)}/`;
  return { label, root, prefix: prefixOf(label), prefixOf };
}

function checked(label: unknown): string {
  if (typeof label === 'string' && /^[^/]+$/.test(label)) return label;
  throw new DatasyncError(
    'INVALID_CONFIG',
    `a microservice label must be a text that is not empty and has no '/', not ${shown(label)}`,
  );
}
