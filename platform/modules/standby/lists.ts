/** The lists for those of whom nothing personal is known: ranked as for a visitor who watches one tag, or none. */
import { createRandom, rankForYou, type Ranking } from '../../../engines/for-you/index.ts'
import type { Ctx } from '../../app/context.ts'
import { LIST_REASONS, STANDBY_FORMAT, type ListReason, type ListsHead } from '../../app/standby/index.ts'
import { openCardJson, type Candidates } from '../feed/index.ts'
import { loadCardBases, presentCard } from '../videos/index.ts'
import type { StandbySizes } from './sizes.ts'

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
  readonly media: ListsHead['media']
  readonly sizes: StandbySizes
}

/** Makes the lists with their cards. Videos that not everyone may see are in none: the cards are asked last. */
export async function makeLists(
  ctx: Ctx,
  candidates: Candidates,
  input: ListsInput,
): Promise<{ head: ListsHead; cards: Buffer }> {
  const { sizes, asOfMs, newest, tags } = input
  await candidates.ready()
  const top = mixNewest(rank(ctx, candidates, { tag: null, limit: sizes.top, asOfMs }), newest, sizes)
  const cohorts = tags.map((tag) => ({
    tag,
    ranked: rank(ctx, candidates, { tag, limit: sizes.cohort, asOfMs }),
  }))
  const listed = [top, ...cohorts.map(({ ranked }) => ranked)].flat().map(({ id }) => id)
  const ids = [...new Set([...listed, ...alternately(input.hottest, newest)])].slice(0, sizes.cards)
  const bases = await loadCardBases(ctx.db, ids)
  const places = new Map<string, number>()
  const cards: ListsHead['cards'] = []
  const json: Buffer[] = []
  for (const id of ids) {
    const base = bases.get(id)
    if (base?.card.visibility !== 'public' || base.card.publishedAt === null) continue
    const bytes = Buffer.from(openCardJson(presentCard(ctx, base, null, undefined)))
    places.set(id, cards.length)
    const { authorId } = base
    cards.push({ id, authorId, publishedAt: base.card.publishedAt, sizeBytes: bytes.length })
    json.push(bytes)
  }
  const entriesOf = (ranked: readonly Ranked[]) => {
    const shown = ranked.filter(({ id }) => places.has(id))
    return {
      cards: shown.map(({ id }) => places.get(id)!),
      reasons: shown.map(({ reason }) => LIST_REASONS.indexOf(reason)),
    }
  }
  const head: ListsHead = {
    format: STANDBY_FORMAT,
    asOfMs,
    cards,
    media: input.media,
    isWhole: candidates.isWhole && candidates.pool.size <= top.length,
    top: entriesOf(top),
    cohorts: cohorts.map(({ tag, ranked }) => ({ tag, ...entriesOf(ranked) })),
  }
  return { head, cards: Buffer.concat(json) }
}

function rank(
  ctx: Ctx,
  { pool }: Candidates,
  { tag, limit, asOfMs }: { readonly tag: string | null; readonly limit: number; readonly asOfMs: number },
): Ranked[] {
  const tags: [string, number][] = tag === null ? [] : [[tag, 1]]
  const ranking = rankForYou(
    pool,
    { id: null, taste: { follows: [], likedAuthors: [], likedVideos: [], tags }, seen: [] },
    { nowMs: asOfMs, random: createRandom(ctx.randomBytes(4).readInt32LE()), limit },
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
