/** The configuration as the instance itself has it, with the command line's say. */
import { resolve } from 'node:path'
import { environmentWith, loadConfig, type Config } from '../platform/app/config.ts'

/** @throws {ConfigError} */
export const settingsOf = ({ dataDir }: { readonly dataDir: string | undefined }): Config =>
  loadConfig(environmentWith(dataDir === undefined ? {} : { DATA_DIR: resolve(dataDir) }))
