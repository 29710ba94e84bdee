export type { FilesOptions, FromFilesConfig } from './config.ts';
export { filesBackend } from './filesBackend.ts';
export { fromFiles } from './fromFiles.ts';
