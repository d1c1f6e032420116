/**
 * Media indexes of the videos that are being watched, in memory: a warm request asks the database nothing, and while the
 * database is away what is known goes on being played. What is not known here comes from the standby shelf then.
 *
 * An entry is dropped when any process says that the video changed; besides, it is looked up again each minute.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ctx } from '../../app/context.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import { isDatabaseUnavailable } from '../../infra/db/index.ts'
import { findVideo, listGenerations } from '../videos/index.ts'
import { buildMediaIndex, type MediaIndex } from './media-index.ts'

const FRESH_MS = 60_000
/** A missing video is asked for again this soon: its first generation may come at any moment. */
const MISSING_FRESH_MS = 1_000
/** How long a request waits for the database when there is an older answer; and how long that answer is then good. */
const REFRESH_WAIT_MS = 250
const REFRESH_PAUSE_MS = 2_000
/** A file costs about 250 bytes of memory here: 50 MB at most, or about 8,000 clips of 15 s with four renditions. */
const MAX_FILES = 200_000
const MAX_ENTRIES = 20_000

interface Entry {
  readonly index: MediaIndex | null
  freshUntilMs: number
}

export interface MediaCatalogue {
  /**
   * What can be delivered of the video; null: it is missing, deleted or has nothing yet.
   *
   * @throws when the database is away and the video is known neither here nor on the standby shelf.
   */
  find(videoId: string): Promise<MediaIndex | null>
}

/** Opens a catalogue that lives as long as the context. */
export function openMediaCatalogue(ctx: Ctx): MediaCatalogue {
  const entries = createEntries()
  const loading = new Map<string, Promise<Entry>>()

  function load(videoId: string): Promise<Entry> {
    const known = loading.get(videoId)
    if (known) return known
    const started = loadEntry(ctx, videoId)
    loading.set(videoId, started)
    const finish = (entry: Entry | null) => {
      // A change that was told meanwhile took this look-up off the list: its answer may be the old one.
      if (loading.get(videoId) !== started) return
      loading.delete(videoId)
      if (entry) entries.keep(videoId, entry)
    }
    started.then(finish, () => finish(null))
    return started
  }

  ctx.listener.on(EVENTS_CHANNEL, (payload) => {
    const { kind, videoId } = payload as { kind: string; videoId?: string }
    if (videoId === undefined || !CHANGES.has(kind)) return
    loading.delete(videoId)
    entries.forget(videoId)
  })
  // Changes may have been missed: everything is looked up again on its next use, and is still good if that fails.
  ctx.listener.onGap(() => {
    loading.clear()
    entries.expireAll()
  })

  return {
    async find(videoId) {
      const entry = entries.get(videoId)
      if (entry && entry.freshUntilMs > ctx.clock.monotonicMs())
        // Nobody tells of changes while the database is away.
        return (ctx.databaseGuard.isUp ? entry : withoutHidden(ctx, videoId, entry)).index
      if (entry?.index)
        return (await preferNewer(ctx, () => withoutHidden(ctx, videoId, entry), load(videoId))).index
      const fromStandby = () => {
        const kept = takeFromStandby(ctx, videoId)
        if (kept) entries.keep(videoId, kept)
        return kept
      }
      return (await preferNewer(ctx, fromStandby, load(videoId))).index
    },
  }
}

interface Entries {
  get(videoId: string): Entry | undefined
  /** Makes room by forgetting what was kept longest ago. */
  keep(videoId: string, entry: Entry): void
  forget(videoId: string): void
  expireAll(): void
}

function createEntries(): Entries {
  const entries = new Map<string, Entry>()
  let fileCount = 0

  function forget(videoId: string): void {
    const entry = entries.get(videoId)
    if (!entry) return
    entries.delete(videoId)
    fileCount -= entry.index?.files.size ?? 0
  }

  return {
    get: (videoId) => entries.get(videoId),
    forget,
    keep(videoId, entry) {
      forget(videoId)
      entries.set(videoId, entry)
      fileCount += entry.index?.files.size ?? 0
      // The front of a Map's order is what was kept or looked up again longest ago.
      for (const oldest of entries.keys()) {
        if ((fileCount <= MAX_FILES && entries.size <= MAX_ENTRIES) || oldest === videoId) break
        forget(oldest)
      }
    },
    expireAll() {
      for (const entry of entries.values()) entry.freshUntilMs = 0
    },
  }
}

/**
 * An older answer is good enough only while the database does not give a newer one in time.
 *
 * @throws what the newer one fails with, when there is no older one.
 */
async function preferNewer(ctx: Ctx, older: () => Entry | null, newer: Promise<Entry>): Promise<Entry> {
  const waiting = new AbortController()
  const refreshed = newer.catch((error: unknown) => {
    if (!isDatabaseUnavailable(error)) throw error
    return null
  })
  refreshed.catch(() => {})
  const late = sleep(REFRESH_WAIT_MS, null, { signal: waiting.signal }).catch(() => null)
  const fresh = await Promise.race([refreshed, late]).finally(() => waiting.abort())
  if (fresh) return fresh
  const stale = older()
  if (!stale) return newer
  stale.freshUntilMs = ctx.clock.monotonicMs() + REFRESH_PAUSE_MS
  return stale
}

/** What was hidden or deleted meanwhile, as the shelf knows, does not go on being played by everyone. */
function withoutHidden({ standby }: Ctx, videoId: string, entry: Entry): Entry {
  const kind = entry.index && standby.goneKind(videoId)
  if (!kind) return entry
  // A hidden one can still be had with a token: whom it is for has one.
  return { ...entry, index: kind === 'deleted' ? null : { ...entry.index!, isOpen: false } }
}

/** From disk alone: of videos that everyone may see. */
function takeFromStandby({ standby }: Ctx, videoId: string): Entry | null {
  const media = standby.media(videoId)
  return media && { index: buildMediaIndex({ isOpen: true, ...media }), freshUntilMs: 0 }
}

async function loadEntry(ctx: Ctx, videoId: string): Promise<Entry> {
  const index = await loadIndex(ctx, videoId)
  const freshMs = index ? FRESH_MS : MISSING_FRESH_MS
  return { index, freshUntilMs: ctx.clock.monotonicMs() + freshMs }
}

const CHANGES = new Set(['published', 'video-changed', 'video-deleted'])

async function loadIndex(ctx: Ctx, videoId: string): Promise<MediaIndex | null> {
  const [video, generations] = await Promise.all([
    findVideo(ctx.db, videoId),
    listGenerations(ctx.db, videoId),
  ])
  if (!video || video.deleted_at) return null
  return buildMediaIndex({
    isOpen: video.visibility === 'public' && video.published_at !== null,
    posterVersion: video.poster_version,
    previewVersion: video.preview_version,
    generations,
  })
}
