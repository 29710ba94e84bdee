export type { FilesOptions, FromFilesConfig } from './config.ts';
export { filesBackend } from './filesBackend.ts';
export { type FilesStatusConfig, filesStatus } from './filesStatus.ts';
export { fromFiles } from './fromFiles.ts';
