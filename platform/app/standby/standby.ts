/**
 * The standby shelf in one process: what can be served with the database away, or when there is no time to ask it.
 *
 * Files are read at the start and when they change, beside everything else. The rules hold here as everywhere: a look-up
 * answers only what the newest shelf, with what this process heard since, lets everyone (or this viewer) see.
 */
import { stat } from 'node:fs/promises'
import type { DomainEvent } from '../../../contract/events.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { Log } from '../../../kit/log.ts'
import { createRecentMap } from '../../../kit/recent-map.ts'
import { readLastGood, type RecordFile } from '../../../kit/record-file.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import type { Listener } from '../../infra/db/index.ts'
import { EVENTS_CHANNEL } from '../events.ts'
import { standbyPath, type GoneKind, type StandbyFile, type StandbyMedia } from './format.ts'
import { createHeard } from './heard.ts'
import {
  openCohorts,
  openLists,
  openMedia,
  type CohortsShelf,
  type ListsShelf,
  type MediaShelf,
  type StandbyCard,
  type StandbyEntry,
} from './shelves.ts'

/** How late a new shelf may be seen: three look-ups of a file's time each. */
const POLL_MS = 1_000

/** Accounts whose handles are remembered. */
const SHOWN_MAX = 20_000

/** For the operator: what there is, how old, how much. Nulls: there is none. */
export interface StandbyFigures {
  readonly listsAsOfMs: number | null
  readonly mediaAsOfMs: number | null
  readonly cohortsAsOfMs: number | null
  readonly topCount: number
  readonly cohortCount: number
  readonly cardCount: number
  readonly mediaCount: number
  readonly accountCount: number
  readonly blockCount: number
  /** Files that were passed over since the start because they were damaged. */
  readonly damagedCount: number
}

export type StandbyKind = 'cohort' | 'top'

export interface StandbyList {
  readonly kind: StandbyKind
  readonly entries: readonly StandbyEntry[]
  readonly asOfMs: number
  /** Whether it had every video that everyone may see. */
  readonly isWhole: boolean
}

export interface Standby extends AsyncDisposable {
  readonly figures: StandbyFigures
  /**
   * The list nearest to the account's taste (null: a visitor), or the one for all. Not yet without what the viewer must
   * not see: ask `rulesFor` of each. Null: there is none.
   */
  list(accountId: string | null, kind: StandbyKind): StandbyList | null
  /** Tells whether the viewer may see a card of a list, or one that `card` gave. */
  rulesFor(viewerId: string | null): (card: Pick<StandbyCard, 'id' | 'authorId'>) => boolean
  /** The same for one card. */
  maySee(viewerId: string | null, card: Pick<StandbyCard, 'id' | 'authorId'>): boolean
  /** The card of a video that everyone but those in a block may see; null: none is kept, or it changed since. */
  card(videoId: string): StandbyCard | null
  /** What is needed to play it; null: not kept, or it changed since. */
  media(videoId: string): StandbyMedia | null
  /**
   * Whether the newest shelf says that it was deleted, or is not everyone's any more: for those who have it from elsewhere,
   * and may have missed that. Null: it says nothing of the kind.
   */
  goneKind(videoId: string): GoneKind | null
  /** Whether one of the two blocks the other, as far as is known here. */
  isBlockBetween(oneId: string, otherId: string): boolean
  /**
   * Whose handle it is, as the newest shelf or this process last knew; null: nobody knows here. In any capitals.
   */
  accountIdOf(handle: string): string | null
  /** Somebody has just been shown this account. */
  noteAccount(account: { readonly id: string; readonly handle: string }): void
  /** Whether blocks can be told at all: without a list of them nobody can say that there is none. */
  readonly knowsBlocks: boolean
  /** Looks for newer files now. */
  refresh(): Promise<void>
}

export interface StandbyOptions {
  readonly dataDir: string
  readonly listener: Pick<Listener, 'on'>
  readonly clock: Clock
  readonly log: Log
  /** Off: there is never anything on it. @default true */
  readonly isOn?: boolean
}

/** Reads what is there, and keeps looking until disposal. Never throws for what is missing or damaged. */
export async function openStandby(options: StandbyOptions): Promise<Standby> {
  const { clock, isOn = true } = options
  const heard = createHeard()
  const shown = createRecentMap<string, string>(SHOWN_MAX)
  let lists: ListsShelf | null = null
  let media: MediaShelf | null = null
  let cohorts: CohortsShelf | null = null
  const readers = [
    createFileReader(options, 'lists', openLists, (opened) => (lists = opened)),
    createFileReader(options, 'media', openMedia, (opened) => (media = opened)),
    createFileReader(options, 'cohorts', openCohorts, (opened) => (cohorts = opened)),
  ]
  const refresh = async (): Promise<void> => {
    if (isOn) await Promise.all(readers.map((reader) => reader.refresh()))
  }
  const stopListening = options.listener.on(EVENTS_CHANNEL, (payload) =>
    heard.learn(payload as DomainEvent, clock.now().getTime()),
  )
  await refresh()
  const polling = startRepeating({ intervalMs: POLL_MS, work: refresh, onError: () => {} })

  const isBlocking = (blocker: string, blocked: string): boolean =>
    heard.isBlocking(blocker, blocked, lists?.asOfMs ?? 0) ?? lists?.isBlocking(blocker, blocked) ?? false
  const isBlockBetween = (one: string, other: string): boolean =>
    isBlocking(one, other) || isBlocking(other, one)
  const isDoubtful = (videoId: string, asOfMs: number): boolean =>
    heard.isChanged(videoId, asOfMs) || (lists !== null && lists.goneKind(videoId) !== null)
  /** Cards of a shelf that is there now: those that were gone when it was made are not on it. */
  const rulesFor = (viewerId: string | null) => {
    const shelf = lists
    if (!shelf) return () => false
    const { asOfMs } = shelf
    const isBlocked = viewerId === null ? null : shelf.blocksAround(viewerId)
    return ({ id, authorId }: Pick<StandbyCard, 'id' | 'authorId'>): boolean => {
      if (heard.isChanged(id, asOfMs)) return false
      if (viewerId === null || isBlocked === null) return true
      const [given, got] = [
        heard.isBlocking(viewerId, authorId, asOfMs),
        heard.isBlocking(authorId, viewerId, asOfMs),
      ]
      if (given || got) return false
      // Where one of the two was taken back since, the shelf is asked for each direction alone.
      return given === null && got === null ? !isBlocked(authorId) : !isBlockBetween(viewerId, authorId)
    }
  }
  /** A media shelf is written when something changed only: the lists say for how long it went on being right. */
  const mediaRightAtMs = ({ asOfMs }: MediaShelf): number =>
    lists?.media?.asOfMs === asOfMs ? lists.media.isRightAtMs : asOfMs
  return {
    get figures() {
      return {
        listsAsOfMs: lists?.asOfMs ?? null,
        mediaAsOfMs: media && mediaRightAtMs(media),
        cohortsAsOfMs: cohorts?.asOfMs ?? null,
        topCount: lists?.top.length ?? 0,
        cohortCount: lists?.cohorts.size ?? 0,
        cardCount: lists?.cards.size ?? 0,
        mediaCount: media?.count ?? 0,
        accountCount: cohorts?.count ?? 0,
        blockCount: lists?.pairCount ?? 0,
        damagedCount: readers.reduce((sum, reader) => sum + reader.damagedCount, 0),
      }
    },
    list(accountId, kind) {
      if (!lists) return null
      const tag = kind === 'cohort' && accountId !== null ? cohorts?.tagOf(accountId) : null
      const own = tag ? lists.cohorts.get(tag) : undefined
      const { asOfMs, isWhole, top } = lists
      return { kind: own ? 'cohort' : 'top', entries: own ?? top, asOfMs, isWhole }
    },
    rulesFor,
    maySee: (viewerId, card) => rulesFor(viewerId)(card),
    card(videoId) {
      const card = lists?.cards.get(videoId)
      return card && !isDoubtful(videoId, lists!.asOfMs) ? card : null
    },
    media: (videoId) => (media && !isDoubtful(videoId, mediaRightAtMs(media)) ? media.find(videoId) : null),
    goneKind: (videoId) => lists?.goneKind(videoId) ?? null,
    isBlockBetween,
    accountIdOf: (handle) => lists?.authorOf(handle.toLowerCase()) ?? shown.get(handle.toLowerCase()) ?? null,
    noteAccount: ({ id, handle }) => shown.set(handle.toLowerCase(), id),
    get knowsBlocks() {
      return lists !== null
    },
    refresh,
    async [Symbol.asyncDispose]() {
      stopListening()
      await polling[Symbol.asyncDispose]()
    },
  }
}

/** Reads one file when it is another than before. A damaged one is said in the log once, and the one before it is used. */
function createFileReader<T extends { readonly asOfMs: number }>(
  { dataDir, log }: StandbyOptions,
  name: StandbyFile,
  open: (file: RecordFile) => T,
  use: (opened: T) => void,
) {
  const path = standbyPath(dataDir, name)
  let seen = ''
  let damagedCount = 0
  let usedAsOfMs = -Infinity
  const complain = (error: Error): void => {
    damagedCount += 1
    log.warn({ err: error, file: name }, 'standby.damaged')
  }
  return {
    get damagedCount() {
      return damagedCount
    },
    async refresh(): Promise<void> {
      const version = await versionOf(path)
      if (version === seen) return
      seen = version
      const { file, damage } = await readLastGood(path)
      for (const error of damage) complain(error)
      // What is in memory is better than nothing: it stays when nothing whole is on disk any more.
      if (!file) return
      try {
        const opened = open(file)
        // …and it may be newer than what is left.
        if (damage.length > 0 && opened.asOfMs < usedAsOfMs) return
        usedAsOfMs = opened.asOfMs
        use(opened)
      } catch (error) {
        complain(error as Error)
      }
    },
  }
}

async function versionOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path)
    return `${ino} ${size} ${mtimeMs}`
  } catch {
    return 'missing'
  }
}
