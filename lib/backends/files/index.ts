export type { SeedInput } from '../internal/loadSeedConfig.ts';
export type { FilesOptions, FromFilesConfig, ShrinkConfig } from './config.ts';
export { type CreateFilesConfig, createFiles, type FilesStore } from './createFiles.ts';
export { type FiledbConfig, filedbConfig } from './filedbConfig.ts';
export { filesBackend } from './filesBackend.ts';
export { type FilesBrokerConfig, filesBroker } from './filesBroker.ts';
export { type FilesStatusConfig, filesStatus } from './filesStatus.ts';
export { fromFiles } from './fromFiles.ts';
export type { DocumentEntry, DocumentPlace, Project } from './parse.ts';
