/** Which services are watched, and how: one YAML file each. */
export type { Catalog, CatalogFault } from './catalog.ts'
export { openCatalog } from './open-catalog.ts'
export { describeFault, parseEntry } from './parse-entry.ts'
export { Monitor, type MonitorOf } from './monitor-schema.ts'
export { ServiceEntry } from './schema.ts'
