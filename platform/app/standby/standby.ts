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
import { createFileReader, createRoundReader } from './files.ts'
import { fillLists, type FilledLists, type StandbyEntry } from './filled-lists.ts'
import { GONE_KEPT_MS, type GoneKind, type StandbyFile, type StandbyMedia } from './format.ts'
import { createHeard } from './heard.ts'
import {
  lookUpBlocks,
  openBlocks,
  openCards,
  openCohorts,
  openLists,
  openMedia,
  openRules,
  type BlockLookup,
  type StandbyCard,
} from './shelves.ts'
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

/** What lists and cards need: all of it, or there is neither. */
interface Shelf extends FilledLists {
  /** Up to when the lists, the cards and who blocks whom were right. */
  readonly listsAtMs: number
  readonly cardsAtMs: number
  readonly blocksAtMs: number
  readonly rulesAtMs: number
  /** Whether the rules may say of a card that it is gone. */
  readonly areCardsBehind: boolean
  readonly blocks: BlockLookup
}

/** Reads what is there, and keeps looking until disposal. Never throws for what is missing or damaged. */
export async function openStandby(options: StandbyOptions): Promise<Standby> {
  const { clock, isOn = true } = options
  const heard = createHeard()
  const withdrawn = openWithdrawn(options)
  const shown = createRecentMap<string, string>(SHOWN_MAX)
  const round = createRoundReader(options.dataDir)
  const files = {
    rules: createFileReader(options, 'rules', openRules),
    blocks: createFileReader(options, 'blocks', openBlocks),
    cards: createFileReader(options, 'cards', openCards),
    lists: createFileReader(options, 'lists', openLists),
    media: createFileReader(options, 'media', openMedia),
    cohorts: createFileReader(options, 'cohorts', openCohorts),
  }
  const rightAtMs = (name: StandbyFile, asOfMs: number): number =>
    round.standingOf(name, asOfMs)?.isRightAtMs ?? asOfMs
  /** It has what all transactions before this one committed; 0: nobody knows. */
  const xidOf = (name: StandbyFile, file: { readonly asOfMs: number; readonly beforeXid: string } | null) =>
    file ? BigInt(round.standingOf(name, file.asOfMs)?.isRightBeforeXid ?? file.beforeXid) : 0n
  /** Of what the rules say of videos, and of blocks. */
  let [rulesXid, blocksXid] = [0n, 0n]
  let shelf: Shelf | null = null

  function putTogether(hasChanged: boolean): Shelf | null {
    const [rules, blocks] = [files.rules.opened, files.blocks.opened]
    const [cards, lists] = [files.cards.opened, files.lists.opened]
    rulesXid = xidOf('rules', rules)
    blocksXid = rules && rules.blocksAsOfMs === blocks?.asOfMs ? rulesXid : xidOf('blocks', blocks)
    if (!rules || !blocks || !cards || !lists || !withdrawn.isKnown) return null
    const rulesAtMs = rightAtMs('rules', rules.asOfMs)
    const cardsAtMs = rightAtMs('cards', cards.asOfMs)
    if (cardsAtMs < rulesAtMs - GONE_KEPT_MS) return null
    return {
      ...(hasChanged || !shelf ? { ...fillLists(cards, lists), blocks: lookUpBlocks(blocks, rules) } : shelf),
      rulesAtMs,
      blocksAtMs: rules.blocksAsOfMs === blocks.asOfMs ? rulesAtMs : blocks.asOfMs,
      cardsAtMs,
      // A clock may have been set back between the two; transactions are counted by nobody but the database.
      areCardsBehind: rules.asOfMs > cardsAtMs || BigInt(rules.beforeXid) > xidOf('cards', cards),
      listsAtMs: rightAtMs('lists', lists.asOfMs),
    }
  }

  const refresh = async (): Promise<void> => {
    if (!isOn) return
    const wasKnown = withdrawn.isKnown
    // First: one that leaves the disk after this look is in the rules that are read next.
    await withdrawn.refresh()
    const [isNewRound, ...isNew] = await Promise.all([
      round.refresh(),
      ...Object.values(files).map((file) => file.refresh()),
    ])
    const hasChanged = isNew.includes(true) || withdrawn.isKnown !== wasKnown
    if (hasChanged || isNewRound) shelf = putTogether(hasChanged)
  }
  const stopListening = options.listener.on(EVENTS_CHANNEL, (payload) =>
    heard.learn(payload as DomainEvent, clock.now().getTime()),
  )
  await refresh()
  const polling = startRepeating({ intervalMs: POLL_MS, work: refresh, onError: () => {} })

  const goneKind = (videoId: string): GoneKind | null =>
    withdrawn.goneKind(videoId, rulesXid) ?? files.rules.opened?.goneKind(videoId) ?? null
  /** What is known of a block beyond the shelf; where the two differ, that it stands. */
  function isBlockingNow(blocker: string, blocked: string): boolean | null {
    const told = heard.isBlocking(blocker, blocked, shelf?.blocksAtMs ?? 0)
    const written = withdrawn.isBlocking(blocker, blocked, blocksXid)
    return told || written ? true : (told ?? written)
  }
  const isBlocking = (blocker: string, blocked: string): boolean =>
    isBlockingNow(blocker, blocked) ?? shelf?.blocks.isBlocking(blocker, blocked) ?? false
  const isBlockBetween = (one: string, other: string): boolean =>
    isBlocking(one, other) || isBlocking(other, one)
  const isDoubtful = (videoId: string, asOfMs: number): boolean =>
    heard.isChanged(videoId, asOfMs) || goneKind(videoId) !== null
  const rulesFor = (viewerId: string | null) => {
    if (!shelf) return () => false
    const { cardsAtMs, areCardsBehind } = shelf
    const isBlocked = viewerId === null ? null : shelf.blocks.around(viewerId)
    return ({ id, authorId }: Pick<StandbyCard, 'id' | 'authorId'>): boolean => {
      if (heard.isChanged(id, cardsAtMs) || withdrawn.goneKind(id, rulesXid) !== null) return false
      if (areCardsBehind && goneKind(id) !== null) return false
      if (viewerId === null || isBlocked === null) return true
      const [given, got] = [isBlockingNow(viewerId, authorId), isBlockingNow(authorId, viewerId)]
      if (given || got) return false
      // Where one of the two was taken back since, the shelf is asked for each direction alone.
      return given === null && got === null ? !isBlocked(authorId) : !isBlockBetween(viewerId, authorId)
    }
  }
  const mediaAtMs = (): number | null => files.media.opened && rightAtMs('media', files.media.opened.asOfMs)
  return {
    get figures() {
      const cohorts = files.cohorts.opened
      return {
        listsAsOfMs: shelf && Math.min(shelf.listsAtMs, shelf.cardsAtMs, shelf.blocksAtMs, shelf.rulesAtMs),
        mediaAsOfMs: mediaAtMs(),
        cohortsAsOfMs: cohorts && rightAtMs('cohorts', cohorts.asOfMs),
        topCount: shelf?.top.length ?? 0,
        cohortCount: shelf?.cohorts.size ?? 0,
        cardCount: shelf?.cards.size ?? 0,
        mediaCount: files.media.opened?.count ?? 0,
        accountCount: cohorts?.count ?? 0,
        blockCount: shelf?.blocks.count ?? 0,
        damagedCount: Object.values(files).reduce((sum, file) => sum + file.damagedCount, 0),
      }
    },
    list(accountId, kind) {
      if (!shelf) return null
      const tag = kind === 'cohort' && accountId !== null ? files.cohorts.opened?.tagOf(accountId) : null
      const own = tag ? shelf.cohorts.get(tag) : undefined
      const { listsAtMs: asOfMs, isWhole, top } = shelf
      return { kind: own ? 'cohort' : 'top', entries: own ?? top, asOfMs, isWhole }
    },
    rulesFor,
    withdraw: async (...withdrawals) => {
      if (isOn && withdrawals.length > 0) await withdrawn.keep(withdrawals)
    },
    maySee: (viewerId, card) => rulesFor(viewerId)(card),
    card(videoId) {
      const card = shelf?.cards.get(videoId)
      return card && !isDoubtful(videoId, shelf!.cardsAtMs) ? card : null
    },
    media(videoId) {
      const [media, asOfMs] = [files.media.opened, mediaAtMs()]
      // Without rules nobody knows which of them must not be played.
      if (!media || asOfMs === null || !files.rules.opened || !withdrawn.isKnown) return null
      if (shelf && asOfMs < shelf.rulesAtMs - GONE_KEPT_MS) return null
      return isDoubtful(videoId, asOfMs) ? null : media.find(videoId)
    },
    goneKind,
    isBlockBetween,
    accountIdOf: (handle) =>
      files.cards.opened?.authorOf(handle.toLowerCase()) ?? shown.get(handle.toLowerCase()) ?? null,
    noteAccount: ({ id, handle }) => shown.set(handle.toLowerCase(), id),
    get knowsBlocks() {
      return shelf !== null
    },
    refresh,
    async [Symbol.asyncDispose]() {
      stopListening()
      await polling[Symbol.asyncDispose]()
    },
  }
}
