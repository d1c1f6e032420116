/** The standby shelf: what is served without the database, always being made, always on disk. */
export { startStandbyJobs } from './standby.jobs.ts'
