/** The files of the standby shelf, taken apart: looked things up in, never parsed as a whole. */
import type { RecordFile } from '../../../kit/files/record-file.ts'
import { readSortedRecords, type SortedRecords } from '../../../kit/files/sorted-records.ts'
import {
  CardsHead,
  COHORT_BYTES,
  CohortsHead,
  COUNT_NAMES,
  COUNTS_BYTES,
  ENTRY_BYTES,
  GONE_BYTES,
  GONE_KINDS,
  Heading,
  ID_BYTES,
  idBytes,
  idText,
  LIST_REASONS,
  ListsHead,
  PAIR_BYTES,
  pairBytes,
  PLACE_BYTES,
  RulesHead,
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

export interface RulesShelf {
  readonly asOfMs: number
  readonly beforeXid: string
  /** Of which `blocks` file these are the changes. */
  readonly blocksAsOfMs: number
  readonly goneCount: number
  readonly blocked: SortedRecords
  readonly unblocked: SortedRecords
  goneKind(videoId: string): GoneKind | null
}

export interface BlocksShelf {
  readonly asOfMs: number
  readonly beforeXid: string
  readonly pairs: SortedRecords
}

export interface CardsShelf {
  readonly asOfMs: number
  readonly beforeXid: string
  /** Without counts. */
  readonly cards: ReadonlyMap<string, StandbyCard>
  /** By handles in small letters: the authors of the cards. The first look takes each of them out of a card. */
  authorOf(handle: string): string | null
}

export interface ListsShelf {
  readonly asOfMs: number
  /** Whether `top` had every video that everyone may see. */
  readonly isWhole: boolean
  readonly top: readonly ListedVideo[]
  /** By tag. */
  readonly cohorts: ReadonlyMap<string, readonly ListedVideo[]>
  /** `VideoCounts` as JSON. */
  countsJson(videoId: string): string
}

export interface ListedVideo {
  readonly id: string
  readonly reason: ListReason
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

/** @throws when it is not what our version writes; so do all of these. */
export function openRules({ head, sections }: RecordFile): RulesShelf {
  const { asOfMs, beforeXid, blocksAsOfMs } = RulesHead.parse(head)
  const gone = readSortedRecords(sections.get('gone')!, GONE_BYTES)
  return {
    asOfMs,
    beforeXid,
    blocksAsOfMs,
    goneCount: gone.count,
    blocked: readSortedRecords(sections.get('blocked')!, PAIR_BYTES),
    unblocked: readSortedRecords(sections.get('unblocked')!, PAIR_BYTES),
    goneKind(videoId) {
      const record = gone.find(idBytes(videoId))
      return record && GONE_KINDS[record[ID_BYTES]!]!
    },
  }
}

export function openBlocks({ head, sections }: RecordFile): BlocksShelf {
  const { asOfMs, beforeXid } = Heading.parse(head)
  return { asOfMs, beforeXid, pairs: readSortedRecords(sections.get('pairs')!, PAIR_BYTES) }
}

export function openCards({ head, sections }: RecordFile): CardsShelf {
  const { asOfMs, beforeXid, cards } = CardsHead.parse(head)
  const json = sections.get('cards')!
  let at = 0
  const byId = new Map(
    cards.map(({ id, authorId, publishedAt, sizeBytes }): [string, StandbyCard] => [
      id,
      { id, authorId, publishedAt, json: json.subarray(at, (at += sizeBytes)) },
    ]),
  )
  let authors: ReadonlyMap<string, string> | null = null
  return {
    asOfMs,
    beforeXid,
    cards: byId,
    authorOf: (handle) => (authors ??= authorsOf(byId.values())).get(handle) ?? null,
  }
}

/** Ids by handles in small letters. */
function authorsOf(cards: Iterable<StandbyCard>): ReadonlyMap<string, string> {
  const oneOfEach = new Map([...cards].map((card) => [card.authorId, card]))
  return new Map(
    [...oneOfEach].map(([id, { json }]) => {
      const { author } = JSON.parse(`${json.toString()}}`) as { author: { handle: string } }
      return [author.handle.toLowerCase(), id]
    }),
  )
}

export function openLists({ head, sections }: RecordFile): ListsShelf {
  const { asOfMs, isWhole, topCount, cohorts } = ListsHead.parse(head)
  const entries = sections.get('entries')!
  let at = 0
  const take = (count: number): ListedVideo[] =>
    Array.from({ length: count }, () => {
      const record = entries.subarray(at, (at += ENTRY_BYTES))
      return { id: idText(record), reason: LIST_REASONS[record[ID_BYTES]!]! }
    })
  const counts = readSortedRecords(sections.get('counts')!, COUNTS_BYTES)
  return {
    asOfMs,
    isWhole,
    top: take(topCount),
    cohorts: new Map(cohorts.map(({ tag, count }) => [tag, take(count)])),
    countsJson: (videoId) => countsJson(counts.find(idBytes(videoId))),
  }
}

function countsJson(record: Buffer | null): string {
  const numbers = [...COUNT_NAMES, 'asOf'].map((_, place) => {
    const value = record?.readDoubleBE(ID_BYTES + 8 * place) ?? NaN
    return Number.isNaN(value) ? null : value
  })
  const asOfMs = numbers.pop()!
  const asOf = asOfMs === null ? 'null' : `"${new Date(asOfMs).toISOString()}"`
  return `{${COUNT_NAMES.map((name, place) => `"${name}":${numbers[place]}`).join(',')},"asOf":${asOf}}`
}

export function openMedia({ head, sections }: RecordFile): MediaShelf {
  const { asOfMs } = Heading.parse(head)
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

export interface BlockLookup {
  readonly count: number
  isBlocking(blocker: string, blocked: string): boolean
  /** Whether a block stands between the account and an author: as quick as a page of them needs it. */
  around(accountId: string): (authorId: string) => boolean
}

/** Blocks as of the file, with the changes to it that `rules` has. */
export function lookUpBlocks(
  { asOfMs, pairs }: Pick<BlocksShelf, 'asOfMs' | 'pairs'>,
  rules: RulesShelf | null,
): BlockLookup {
  const changes = rules?.blocksAsOfMs === asOfMs ? rules : null
  /** Sixteen bytes as a key of sets. */
  const keyOf = (bytes: Buffer): string => bytes.toString('latin1')
  /** Whom the account blocks. */
  function blockedBy(accountId: string): ReadonlySet<string> {
    const id = idBytes(accountId)
    const seconds = new Set<string>()
    for (const pair of pairs.all(id)) seconds.add(keyOf(pair.subarray(ID_BYTES)))
    if (changes) {
      for (const pair of changes.blocked.all(id)) seconds.add(keyOf(pair.subarray(ID_BYTES)))
      for (const pair of changes.unblocked.all(id)) seconds.delete(keyOf(pair.subarray(ID_BYTES)))
    }
    return seconds.size === 0 ? NOBODY : seconds
  }
  /** Authors of cards: as many as there are cards. */
  const byAuthors = new Map<string, ReadonlySet<string>>()
  function blockedByAuthor(authorId: string): ReadonlySet<string> {
    const known = byAuthors.get(authorId)
    if (known) return known
    const found = blockedBy(authorId)
    byAuthors.set(authorId, found)
    return found
  }
  return {
    count: pairs.count + (changes ? changes.blocked.count - changes.unblocked.count : 0),
    isBlocking(blocker, blocked) {
      const pair = pairBytes(blocker, blocked)
      if (changes && changes.blocked.find(pair) !== null) return true
      return pairs.find(pair) !== null && (changes === null || changes.unblocked.find(pair) === null)
    },
    around(accountId) {
      const own = blockedBy(accountId)
      const key = keyOf(idBytes(accountId))
      return (authorId) =>
        (own.size > 0 && own.has(keyOf(idBytes(authorId)))) || blockedByAuthor(authorId).has(key)
    },
  }
}

const NOBODY: ReadonlySet<string> = new Set()
