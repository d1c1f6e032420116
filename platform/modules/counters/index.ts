/** Counters of videos: folded from events within a second, and mended where they drift. */
export { startCounterJobs } from './counters.jobs.ts'
export { EVENTS_KEPT_MS, foldAll, foldOnce, pruneOldEvents, recountNext } from './counters.service.ts'
