/** The three files of the standby shelf, taken apart: looked things up in, never parsed as a whole. */
import type { RecordFile } from '../../../kit/record-file.ts'
import { readSortedRecords, type SortedRecords } from '../../../kit/sorted-records.ts'
import {
  COHORT_BYTES,
  CohortsHead,
  GONE_BYTES,
  GONE_KINDS,
  ID_BYTES,
  idBytes,
  LIST_REASONS,
  ListsHead,
  MediaHead,
  PAIR_BYTES,
  pairBytes,
  PLACE_BYTES,
  type GoneKind,
  type ListReason,
  type StandbyMedia,
} from './format.ts'

/** A card of a video that everyone may see. */
export interface StandbyCard {
  readonly id: string
  readonly authorId: string
  /** ISO 8601. */
  readonly publishedAt: string
  /** The card as JSON, open at its end: `viewer` and `reason` are still to come. */
  readonly json: Buffer
}

export interface StandbyEntry {
  readonly card: StandbyCard
  readonly reason: ListReason
}

export interface ListsShelf {
  readonly asOfMs: number
  /** Up to when the media shelf of this age was right, though nothing new was written. */
  readonly media: ListsHead['media']
  /** Whether `top` had every video that everyone may see. */
  readonly isWhole: boolean
  readonly top: readonly StandbyEntry[]
  /** By tag; each goes on with `top`. */
  readonly cohorts: ReadonlyMap<string, readonly StandbyEntry[]>
  readonly cards: ReadonlyMap<string, StandbyCard>
  readonly pairCount: number
  readonly goneCount: number
  isBlocking(blocker: string, blocked: string): boolean
  /** Whether a block stands between the account and an author of one of the cards: as quick as a page of them needs it. */
  blocksAround(accountId: string): (authorId: string) => boolean
  goneKind(videoId: string): GoneKind | null
  /** By handles in small letters: the authors of the cards. The first look takes each of them out of a card. */
  authorOf(handle: string): string | null
}

export interface MediaShelf {
  readonly asOfMs: number
  readonly count: number
  find(videoId: string): StandbyMedia | null
}

export interface CohortsShelf {
  readonly asOfMs: number
  readonly count: number
  tagOf(accountId: string): string | null
}

/** @throws when it is not what our version writes. */
export function openLists({ head, sections }: RecordFile): ListsShelf {
  const { asOfMs, media, isWhole, cards: rows, top, cohorts } = ListsHead.parse(head)
  const json = sections.get('cards')!
  let at = 0
  const cards = rows.map(({ id, authorId, publishedAt, sizeBytes }): StandbyCard => ({
    id,
    authorId,
    publishedAt,
    json: json.subarray(at, (at += sizeBytes)),
  }))
  const entriesOf = (list: ListsHead['top']): StandbyEntry[] =>
    list.cards.map((place, index) => ({
      card: cards[place]!,
      reason: LIST_REASONS[list.reasons[index]!]!,
    }))
  const topEntries = entriesOf(top)
  /** Whoever comes to the end of their own list goes on with the one for all. */
  const withTop = (own: readonly StandbyEntry[]): StandbyEntry[] => {
    const ids = new Set(own.map(({ card }) => card.id))
    return [...own, ...topEntries.filter(({ card }) => !ids.has(card.id))]
  }
  const pairs = readSortedRecords(sections.get('blocks')!, PAIR_BYTES)
  const blockedByAuthors = new Map<string, ReadonlySet<string>>()
  for (const { authorId } of cards) {
    if (blockedByAuthors.has(authorId)) continue
    blockedByAuthors.set(authorId, secondsOf(pairs, authorId))
  }
  const gone = readSortedRecords(sections.get('gone')!, GONE_BYTES)
  let authors: ReadonlyMap<string, string> | null = null
  return {
    asOfMs,
    media,
    isWhole,
    top: topEntries,
    cohorts: new Map(cohorts.map((cohort) => [cohort.tag, withTop(entriesOf(cohort))])),
    cards: new Map(cards.map((card) => [card.id, card])),
    pairCount: pairs.count,
    goneCount: gone.count,
    isBlocking: (blocker, blocked) => pairs.count > 0 && pairs.find(pairBytes(blocker, blocked)) !== null,
    blocksAround(accountId) {
      const own = secondsOf(pairs, accountId)
      const key = keyOf(idBytes(accountId))
      return (authorId) =>
        (own.size > 0 && own.has(keyOf(idBytes(authorId)))) ||
        blockedByAuthors.get(authorId)?.has(key) === true
    },
    goneKind(videoId) {
      const record = gone.find(idBytes(videoId))
      return record && GONE_KINDS[record[ID_BYTES]!]!
    },
    authorOf: (handle) => (authors ??= authorsOf(cards)).get(handle) ?? null,
  }
}

/** Ids by handles in small letters. */
function authorsOf(cards: readonly StandbyCard[]): ReadonlyMap<string, string> {
  const oneOfEach = new Map(cards.map((card) => [card.authorId, card]))
  return new Map(
    [...oneOfEach].map(([id, { json }]) => {
      const { author } = JSON.parse(`${json.toString()}}`) as { author: { handle: string } }
      return [author.handle.toLowerCase(), id]
    }),
  )
}

/** Sixteen bytes as a key of sets. */
const keyOf = (bytes: Buffer): string => bytes.toString('latin1')

/** The second ones of the pairs in which an account is the first. */
function secondsOf(pairs: SortedRecords, accountId: string): ReadonlySet<string> {
  let seconds: Set<string> | null = null
  for (const pair of pairs.all(idBytes(accountId)))
    (seconds ??= new Set()).add(keyOf(pair.subarray(ID_BYTES)))
  return seconds ?? NOBODY
}

const NOBODY: ReadonlySet<string> = new Set()

/** @throws when it is not what our version writes. */
export function openMedia({ head, sections }: RecordFile): MediaShelf {
  const { asOfMs } = MediaHead.parse(head)
  const places = readSortedRecords(sections.get('places')!, PLACE_BYTES)
  const records = sections.get('records')!
  return {
    asOfMs,
    count: places.count,
    find(videoId) {
      const place = places.find(idBytes(videoId))
      if (!place) return null
      const start = place.readUInt32BE(ID_BYTES)
      const end = start + place.readUInt32BE(ID_BYTES + 4)
      // Under our own checksum: it is what `Media` of modules/standby wrote.
      return JSON.parse(records.toString('utf8', start, end)) as StandbyMedia
    },
  }
}

/** @throws when it is not what our version writes. */
export function openCohorts({ head, sections }: RecordFile): CohortsShelf {
  const { asOfMs, tags } = CohortsHead.parse(head)
  const accounts = readSortedRecords(sections.get('accounts')!, COHORT_BYTES)
  return {
    asOfMs,
    count: accounts.count,
    tagOf(accountId) {
      const record = accounts.find(idBytes(accountId))
      return record ? (tags[record[ID_BYTES]!] ?? null) : null
    },
  }
}
