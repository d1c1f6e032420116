/**
 * Every table, by name. It is empty here: each module adds its own in its `<m>.schema.ts` by declaration merging
 * (`declare module '../../infra/db/tables.ts' { interface Tables { … } }`), so that infra knows no module.
 */
export interface Tables {}
