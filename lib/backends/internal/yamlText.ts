// One module for all that needs js-yaml, so that it is loaded only where there is YAML.
export { parseYaml, yamlFault } from '../../codecs/parseYaml.ts';
export { yamlMemberOffsets } from '../../codecs/yamlPlaces.ts';
