/** The order in which Upbeat comes back. Modules that come later add steps of their own. */
import type { Step } from './restoration.ts'

export const STEPS: readonly Step[] = [
  { name: 'configuration', after: [], needs: [], holds: {}, level: 5 },
  { name: 'database', after: ['configuration'], needs: ['database'], holds: {}, level: 4 },
  {
    name: 'playback',
    after: ['configuration', 'database'],
    needs: ['blobs'],
    holds: { playback: 'cached' },
    level: 5,
  },
  // What everybody gets needs the disk alone: with the database away it opens all the same.
  { name: 'top-list', after: ['playback'], needs: [], holds: { feed: 'paused' }, level: 5 },
  {
    name: 'sign-in',
    after: ['top-list', 'database'],
    needs: ['database'],
    holds: { 'sign-in': 'paused' },
    level: 4,
  },
  { name: 'cohort-lists', after: ['sign-in'], needs: ['database'], holds: { feed: 'shared' }, level: 4 },
  {
    name: 'journal',
    after: ['cohort-lists'],
    needs: ['database'],
    holds: { reactions: 'kept', telemetry: 'kept', comments: 'kept' },
    level: 3,
  },
  {
    name: 'uploads',
    after: ['journal'],
    needs: ['database', 'ingest', 'disk'],
    holds: { uploads: 'paused' },
    level: 0,
  },
  {
    name: 'comments-and-search',
    after: ['journal'],
    needs: ['database'],
    holds: {
      comments: 'kept',
      counts: 'cached',
      search: 'paused',
      suggestions: 'paused',
      profiles: 'paused',
      notifications: 'paused',
    },
    level: 3,
  },
  {
    name: 'ranking',
    after: ['comments-and-search'],
    needs: ['database'],
    holds: { feed: 'shared', prefetch: 'paused' },
    level: 3,
  },
  {
    name: 'processing',
    after: ['ranking', 'uploads'],
    needs: ['database', 'worker'],
    holds: { processing: 'paused' },
    level: 0,
  },
  // What has piled up is worked off beside people, not in their way.
  {
    name: 'backlog',
    after: ['processing'],
    needs: ['database', 'worker'],
    holds: { processing: 'reduced' },
    level: 0,
  },
]
