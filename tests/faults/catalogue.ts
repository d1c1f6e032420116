/** Every drill: how long it is, and which protections it must fail without. */
import type { Protection } from '../../platform/app/protections.ts'
import type { Drill } from './report.ts'

export interface DrillEntry {
  /** Whether the check runs it every time; `all` adds the longer ones. */
  readonly isShort: boolean
  /** Without any one of these its promises break. Empty: there is nothing to switch off. */
  readonly provenWithout: readonly Protection[]
  /** Whether the level follows the load in it; else what makes this machine busy may not matter. @default false */
  readonly needsLevels?: boolean
  load(): Promise<Drill>
}

export const DRILLS: Readonly<Record<string, DrillEntry>> = {
  'database-away': {
    isShort: false,
    provenWithout: ['guard', 'standby', 'journal'],
    load: async () => (await import('./drills/database-away.ts')).run,
  },
  'kill-one': {
    isShort: false,
    provenWithout: ['restarts'],
    load: async () => (await import('./drills/kill-one.ts')).run,
  },
  'kill-some': {
    isShort: true,
    provenWithout: ['restarts'],
    load: async () => (await import('./drills/kill-one.ts')).runShort,
  },
  'kill-all': {
    isShort: true,
    provenWithout: ['durability'],
    load: async () => (await import('./drills/kill-all.ts')).run,
  },
  'full-disk': {
    isShort: true,
    provenWithout: ['room'],
    load: async () => (await import('./drills/full-disk.ts')).run,
  },
  'no-database': {
    isShort: true,
    provenWithout: ['standby'],
    load: async () => (await import('./drills/no-database.ts')).run,
  },
  'bad-clients': {
    // Its latencies mean something on a machine that does nothing else.
    isShort: false,
    provenWithout: ['patience'],
    load: async () => (await import('./drills/bad-clients.ts')).run,
  },
  flood: {
    // Its latencies mean something on a machine that does nothing else.
    isShort: false,
    provenWithout: ['limits'],
    load: async () => (await import('./drills/flood.ts')).run,
  },
  squeeze: {
    isShort: false,
    provenWithout: ['levels'],
    needsLevels: true,
    load: async () => (await import('./drills/squeeze.ts')).run,
  },
  'health-checks': {
    isShort: true,
    provenWithout: ['doubt'],
    load: async () => (await import('./drills/health-checks.ts')).run,
  },
  'cold-start': {
    isShort: false,
    provenWithout: ['restoration'],
    needsLevels: true,
    load: async () => (await import('./drills/cold-start.ts')).run,
  },
  operator: {
    isShort: true,
    provenWithout: [],
    load: async () => (await import('./drills/operator.ts')).run,
  },
  clock: {
    isShort: false,
    provenWithout: ['monotonic'],
    load: async () => (await import('./drills/clock.ts')).run,
  },
  random: {
    isShort: false,
    provenWithout: ['restarts'],
    needsLevels: true,
    load: async () => (await import('./drills/random.ts')).run,
  },
  restore: { isShort: true, provenWithout: [], load: async () => (await import('./drills/restore.ts')).run },
  overload: {
    isShort: false,
    provenWithout: ['admission'],
    load: async () => (await import('./drills/overload.ts')).run,
  },
  'bad-document': {
    // Good documents take as long as they are judged.
    isShort: false,
    provenWithout: ['document-check'],
    load: async () => (await import('./drills/bad-document.ts')).run,
  },
  'bad-release': {
    // Its p99 means something on a machine that does nothing else.
    isShort: false,
    provenWithout: ['judge'],
    load: async () => (await import('./drills/bad-release.ts')).run,
  },
  stuffing: {
    isShort: false,
    provenWithout: ['sign-in-guard'],
    load: async () => (await import('./drills/guessed-passwords.ts')).runStuffing,
  },
  guessing: {
    isShort: false,
    provenWithout: ['sign-in-guard'],
    load: async () => (await import('./drills/guessed-passwords.ts')).runGuessing,
  },
  poison: {
    isShort: false,
    provenWithout: ['poison-bars', 'upload-quarantine'],
    load: async () => (await import('./drills/poison.ts')).run,
  },
  regions: {
    isShort: false,
    provenWithout: ['regions', 'replica-reads'],
    load: async () => (await import('./drills/regions.ts')).run,
  },
  'other-address': {
    isShort: false,
    provenWithout: ['other-addresses'],
    load: async () => (await import('./drills/other-address.ts')).run,
  },
  'slow-link': {
    // Its times mean something on a machine that does nothing else.
    isShort: false,
    provenWithout: [],
    load: async () => (await import('./drills/slow-link.ts')).run,
  },
  watch: { isShort: false, provenWithout: [], load: async () => (await import('./drills/watch.ts')).run },
  'two-watches': {
    isShort: false,
    provenWithout: [],
    load: async () => (await import('./drills/two-watches.ts')).run,
  },
  'edge-origin-away': {
    isShort: false,
    provenWithout: ['staleness'],
    load: async () => (await import('./drills/edge-origin-away.ts')).run,
  },
  'edge-stampede': {
    isShort: false,
    provenWithout: ['coalescing'],
    load: async () => (await import('./drills/edge-stampede.ts')).run,
  },
  'edge-shields': {
    isShort: false,
    provenWithout: ['bounded-load'],
    load: async () => (await import('./drills/edge-shields.ts')).run,
  },
  'edge-rot': {
    isShort: false,
    provenWithout: ['digests'],
    load: async () => (await import('./drills/edge-rot.ts')).run,
  },
  'edge-lost': {
    isShort: false,
    provenWithout: ['other-edges'],
    load: async () => (await import('./drills/edge-lost.ts')).run,
  },
  'edge-watched': {
    isShort: false,
    provenWithout: ['document-guard'],
    load: async () => (await import('./drills/edge-watched.ts')).run,
  },
  'edge-document': {
    isShort: false,
    provenWithout: ['document-guard'],
    load: async () => (await import('./drills/edge-document.ts')).run,
  },
}
