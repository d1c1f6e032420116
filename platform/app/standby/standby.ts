/**
 * The standby shelf in one process: what can be served with the database away, or when there is no time to ask it.
 *
 * The rules hold here as everywhere: a look-up answers only what the newest shelf, with what this process heard since, lets
 * everyone (or this viewer) see.
 */
import type { DomainEvent } from '../../../contract/events.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { Log } from '../../../kit/log.ts'
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import type { Listener } from '../../infra/db/index.ts'
import { EVENTS_CHANNEL } from '../events.ts'
import type { StandbyEntry } from './filled-lists.ts'
import { GONE_KEPT_MS, type GoneKind, type StandbyMedia } from './format.ts'
import { createHeard } from './heard.ts'
import { createRules } from './rules.ts'
import { createShelfReader, type ShelfReader } from './shelf.ts'
import type { StandbyCard } from './shelves.ts'
import type { Withdrawal } from './withdrawals.ts'
import { openWithdrawn } from './withdrawn.ts'

/** How late a new shelf may be seen: a look-up of a file's time for each file. */
const POLL_MS = 1_000

/** Accounts whose handles are remembered. */
const SHOWN_MAX = 20_000

/** For the operator: what there is, how old, how much. Nulls: there is none. */
export interface StandbyFigures {
  /** The oldest of what a list needs: itself, its cards, and the rules. It was right then; it may be right still. */
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
  /**
   * Says what a transaction that has committed took out of sight, or gave back: on disk when it settles, for whoever starts
   * without the database, and to be waited for before the change is acknowledged. Never throws: where it can't be written,
   * the rules are taken off the shelf instead, and with them all of it for those who start.
   */
  withdraw(...withdrawals: readonly Withdrawal[]): Promise<void>
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
  const withdrawn = openWithdrawn(options)
  const shown = createRecentMap<string, string>(SHOWN_MAX)
  const reader = createShelfReader(options, withdrawn)
  const { files } = reader
  const { goneKind, isDoubtful, isBlockBetween, rulesFor } = createRules(reader, heard, withdrawn)
  const refresh = async (): Promise<void> => {
    if (isOn) await reader.refresh()
  }
  const stopListening = options.listener.on(EVENTS_CHANNEL, (payload) =>
    heard.learn(payload as DomainEvent, clock.now().getTime()),
  )
  await refresh()
  const polling = startRepeating({ intervalMs: POLL_MS, work: refresh, onError: () => {} })

  return {
    get figures() {
      return figuresOf(reader)
    },
    list: (accountId, kind) => findList(reader, accountId, kind),
    rulesFor,
    withdraw: async (...withdrawals) => {
      if (isOn && withdrawals.length > 0) await withdrawn.keep(withdrawals)
    },
    maySee: (viewerId, card) => rulesFor(viewerId)(card),
    card(videoId) {
      const { shelf } = reader
      const card = shelf?.cards.get(videoId)
      return card && !isDoubtful(videoId, shelf!.cardsAtMs) ? card : null
    },
    media(videoId) {
      const [media, asOfMs] = [files.media.opened, reader.rightAtMs('media')]
      // Without rules nobody knows which of them must not be played.
      if (!media || asOfMs === null || !files.rules.opened || !withdrawn.isKnown) return null
      if (reader.shelf && asOfMs < reader.shelf.rulesAtMs - GONE_KEPT_MS) return null
      return isDoubtful(videoId, asOfMs) ? null : media.find(videoId)
    },
    goneKind,
    isBlockBetween,
    accountIdOf: (handle) =>
      files.cards.opened?.authorOf(handle.toLowerCase()) ?? shown.get(handle.toLowerCase()) ?? null,
    noteAccount: ({ id, handle }) => shown.set(handle.toLowerCase(), id),
    get knowsBlocks() {
      return reader.shelf !== null
    },
    refresh,
    async [Symbol.asyncDispose]() {
      stopListening()
      await polling[Symbol.asyncDispose]()
    },
  }
}

function findList(
  { shelf, files }: ShelfReader,
  accountId: string | null,
  kind: StandbyKind,
): StandbyList | null {
  if (!shelf) return null
  const tag = kind === 'cohort' && accountId !== null ? files.cohorts.opened?.tagOf(accountId) : null
  const own = tag ? shelf.cohorts.get(tag) : undefined
  const { listsAtMs: asOfMs, isWhole, top } = shelf
  return { kind: own ? 'cohort' : 'top', entries: own ?? top, asOfMs, isWhole }
}

function figuresOf({ shelf, files, rightAtMs }: ShelfReader): StandbyFigures {
  return {
    listsAsOfMs: shelf && Math.min(shelf.listsAtMs, shelf.cardsAtMs, shelf.blocksAtMs, shelf.rulesAtMs),
    mediaAsOfMs: rightAtMs('media'),
    cohortsAsOfMs: rightAtMs('cohorts'),
    topCount: shelf?.top.length ?? 0,
    cohortCount: shelf?.cohorts.size ?? 0,
    cardCount: shelf?.cards.size ?? 0,
    mediaCount: files.media.opened?.count ?? 0,
    accountCount: files.cohorts.opened?.count ?? 0,
    blockCount: shelf?.blocks.count ?? 0,
    damagedCount: Object.values(files).reduce((sum, file) => sum + file.damagedCount, 0),
  }
}
