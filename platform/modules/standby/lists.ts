/** The lists for those of whom nothing personal is known: ranked as for a visitor who watches one tag, or none. */
import type { VideoCard, VideoCounts } from '../../../contract/videos.ts'
import { createRandom, rankForYou, type Ranking } from '../../../engines/for-you/index.ts'
import type { Ctx } from '../../app/context.ts'
import {
  COUNT_NAMES,
  COUNTS_BYTES,
  ENTRY_BYTES,
  ID_BYTES,
  idBytes,
  LIST_REASONS,
  type CardsHead,
  type ListReason,
  type ListsHead,
} from '../../app/standby/index.ts'
import type { Candidates } from '../feed/index.ts'
import { loadCardBases, presentCard } from '../videos/index.ts'
import type { ShelfContent } from './shelf-file.ts'
import type { SteadyChoice } from './steady-choice.ts'
import type { StandbySizes } from './sizes.ts'

/** For so long chance and the passing of time leave the order alone: without views a list stays as it is. */
const TURN_MS = 10 * 60_000

interface Ranked {
  readonly id: string
  readonly reason: ListReason
}

export interface ListsInput {
  readonly asOfMs: number
  /** The newest listed videos. */
  readonly newest: readonly string[]
  /** Those watched most of late. */
  readonly hottest: readonly string[]
  readonly tags: readonly string[]
  readonly choice: SteadyChoice
  readonly sizes: StandbySizes
}

export interface MadeLists {
  readonly cards: ShelfContent & { readonly head: Pick<CardsHead, 'cards'> }
  readonly lists: ShelfContent
}

/** Makes the lists with their cards. Videos that not everyone may see are in none: the cards are asked last. */
export async function makeLists(ctx: Ctx, candidates: Candidates, input: ListsInput): Promise<MadeLists> {
  const { sizes, asOfMs, newest, tags } = input
  await candidates.ready()
  const top = mixNewest(rank(candidates, { tag: null, limit: sizes.top, asOfMs }), newest, sizes)
  const cohorts = tags.map((tag) => ({ tag, ranked: rank(candidates, { tag, limit: sizes.cohort, asOfMs }) }))
  const lists = [top, ...cohorts.map(({ ranked }) => ranked)].map((ranked) => ranked.map(({ id }) => id))
  const ids = input.choice.choose(lists, alternately(input.hottest, newest))
  const cards = await loadOpenCards(ctx, ids)
  const shown = (ranked: readonly Ranked[]) => ranked.filter(({ id }) => cards.has(id))
  const shownCohorts = cohorts.map(({ tag, ranked }) => ({ tag, ranked: shown(ranked) }))
  const head: Pick<ListsHead, 'isWhole' | 'topCount' | 'cohorts'> = {
    isWhole: candidates.isWhole && candidates.pool.size <= top.length,
    topCount: shown(top).length,
    cohorts: shownCohorts.map(({ tag, ranked }) => ({ tag, count: ranked.length })),
  }
  const entries = [shown(top), ...shownCohorts.map(({ ranked }) => ranked)].flat().map(entryRecord)
  const counts = [...cards].map(([id, { card }]) => countsRecord(id, card.counts))
  return {
    cards: cardsContent([...cards.values()]),
    lists: {
      head,
      sections: {
        entries: Buffer.concat(entries, entries.length * ENTRY_BYTES),
        counts: Buffer.concat(counts.sort(Buffer.compare)),
      },
    },
  }
}

interface OpenCard {
  readonly authorId: string
  readonly publishedAt: string
  readonly card: VideoCard
}

/** In the order of their ids, so that the same cards make the same file. */
async function loadOpenCards(ctx: Ctx, ids: readonly string[]): Promise<Map<string, OpenCard>> {
  const bases = await loadCardBases(ctx.db, ids)
  const cards = new Map<string, OpenCard>()
  for (const id of ids.toSorted()) {
    const base = bases.get(id)
    if (base?.card.visibility !== 'public' || base.card.publishedAt === null) continue
    const card = presentCard(ctx, base, null, undefined)
    cards.set(id, { authorId: base.authorId, publishedAt: base.card.publishedAt, card })
  }
  return cards
}

function cardsContent(cards: readonly OpenCard[]): MadeLists['cards'] {
  const json = cards.map(({ card }) => Buffer.from(bareCardJson(card)))
  return {
    head: {
      cards: cards.map(({ card, authorId, publishedAt }, place) => ({
        id: card.id,
        authorId,
        publishedAt,
        sizeBytes: json[place]!.length,
      })),
    },
    sections: { cards: Buffer.concat(json) },
  }
}

/** Open at its end: the counts, which change all the time, are to come, and what depends on the viewer. */
function bareCardJson({ counts: _counts, viewer: _viewer, reason: _reason, ...rest }: VideoCard): string {
  return JSON.stringify(rest).slice(0, -1)
}

const entryRecord = ({ id, reason }: Ranked): Buffer =>
  Buffer.concat([idBytes(id), Buffer.of(LIST_REASONS.indexOf(reason))])

function countsRecord(id: string, counts: VideoCounts): Buffer {
  const record = Buffer.alloc(COUNTS_BYTES)
  idBytes(id).copy(record)
  const numbers = COUNT_NAMES.map((name) => counts[name] ?? NaN)
  numbers.push(counts.asOf === null ? NaN : Date.parse(counts.asOf))
  for (const [place, number] of numbers.entries()) record.writeDoubleBE(number, ID_BYTES + 8 * place)
  return record
}

function rank(
  { pool }: Candidates,
  { tag, limit, asOfMs }: { readonly tag: string | null; readonly limit: number; readonly asOfMs: number },
): Ranked[] {
  const tags: [string, number][] = tag === null ? [] : [[tag, 1]]
  const turn = Math.floor(asOfMs / TURN_MS)
  const ranking = rankForYou(
    pool,
    { id: null, taste: { follows: [], likedAuthors: [], likedVideos: [], tags }, seen: [] },
    // The end of the turn: nothing in the pool is of later.
    { nowMs: (turn + 1) * TURN_MS, random: createRandom(turn), limit },
  )
  return ranking.videoIds.map((id, position) => ({ id, reason: reasonAt(ranking, position) }))
}

/** Of all that made the score only this is true of whoever will look: whether it was watched much, or is new. */
function reasonAt(ranking: Ranking, position: number): ListReason {
  const { fresh, popular } = ranking.item(position).parts
  return popular > fresh ? 'popular' : 'fresh'
}

/** One in `newestEvery` is one of the newest, in their order, so that no list is stale by days. */
function mixNewest(ranked: readonly Ranked[], newest: readonly string[], sizes: StandbySizes): Ranked[] {
  const mixed = new Map<string, Ranked>()
  const rest = newest.values()
  for (const item of ranked) {
    if (mixed.size >= sizes.top) break
    if (mixed.size % sizes.newestEvery === sizes.newestEvery - 1) addNext(mixed, rest)
    if (!mixed.has(item.id)) mixed.set(item.id, item)
  }
  // The pool may not know yet what was published just now.
  for (const id of rest) {
    if (mixed.size >= sizes.top) break
    if (!mixed.has(id)) mixed.set(id, { id, reason: 'fresh' })
  }
  return [...mixed.values()].slice(0, sizes.top)
}

function addNext(mixed: Map<string, Ranked>, rest: IterableIterator<string>): void {
  for (const id of rest) {
    if (mixed.has(id)) continue
    mixed.set(id, { id, reason: 'fresh' })
    return
  }
}

/** One of each in turn, each once. */
export function alternately(one: readonly string[], other: readonly string[]): string[] {
  const ids = new Set<string>()
  for (let at = 0; at < Math.max(one.length, other.length); at++)
    for (const id of [one[at], other[at]]) if (id !== undefined) ids.add(id)
  return [...ids]
}
