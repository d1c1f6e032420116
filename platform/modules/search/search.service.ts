/** Search by plain text: videos by caption, tag and author, people by handle and name, tags by their letters. */
import { z } from 'zod'
import type { Page, PageQuery } from '../../../contract/common.ts'
import type { SearchPage, SearchQuery } from '../../../contract/social.ts'
import type { VideoCard } from '../../../contract/videos.ts'
import type { Ctx } from '../../app/context.ts'
import { badCursor, fillPage, type Position } from '../../app/paging.ts'
import { loadAccountListItems } from '../follows/index.ts'
import { cleanCaption, loadVideoCards, normalizeTag } from '../videos/index.ts'
import * as queries from './search.queries.ts'

/** Further words are not asked for: each costs a lookup. */
export const SEARCH_MAX_WORDS = 8

export type SearchInput = z.infer<typeof SearchQuery> & {
  readonly viewerId: string | null
  readonly page: PageQuery
}

const NOTHING: SearchPage = { videos: [], people: [], tags: [], nextCursor: null }

/**
 * One page of what was asked for; the other two lists are empty. Only what the viewer may see is found.
 *
 * @throws {AppError} invalid-input when the cursor is not one of this list's.
 */
export async function search(ctx: Ctx, input: SearchInput): Promise<SearchPage> {
  const text = cleanCaption(input.q)
  switch (input.type) {
    case 'videos': {
      const { items, nextCursor } = await searchVideos(ctx, text, input)
      return { ...NOTHING, videos: items, nextCursor }
    }
    case 'people': {
      const { rows, nextCursor } = await searchNames(ctx, queries.findPeople, text.replace(/^@/, ''), input)
      const ids = rows.map((row) => row.id)
      const people = await loadAccountListItems(ctx.db, input.viewerId, ids)
      return { ...NOTHING, people: ids.flatMap((id) => people.get(id) ?? []), nextCursor }
    }
    case 'tags': {
      const tag = normalizeTag(text.replace(/^#/, ''))
      const { rows, nextCursor } = await searchNames(ctx, queries.findTags, tag, input)
      return { ...NOTHING, tags: rows.map(({ name, videoCount }) => ({ tag: name, videoCount })), nextCursor }
    }
  }
}

/** Public videos that have the tag (with or without `#`), newest first. */
export function listTagVideos(
  ctx: Ctx,
  input: { readonly viewerId: string | null; readonly tag: string; readonly page: PageQuery },
): Promise<Page<VideoCard>> {
  const tag = normalizeTag(cleanCaption(input.tag).replace(/^#/, ''))
  return fillWithCards(ctx, input, (before, limit) => queries.findVideosByTag(ctx.db, { tag, before, limit }))
}

/**
 * Each word must stand in the caption, each `#word` must be a tag; or the author's handle or name contains the whole
 * text (`@handle`: only that).
 */
async function searchVideos(ctx: Ctx, text: string, input: SearchInput): Promise<Page<VideoCard>> {
  const parts = [...new Set(text.split(/\s+/u).filter(Boolean))].slice(0, SEARCH_MAX_WORDS)
  const isTag = (part: string) => part.startsWith('#') && part.length > 1
  const tags = parts.filter(isTag).map((part) => normalizeTag(part.slice(1)))
  const words = parts.filter((part) => !isTag(part))
  const author = tags.length > 0 ? null : text.replace(/^@/, '')
  if (parts.length === 0) return { items: [], nextCursor: null }
  return fillWithCards(ctx, input, (before, limit) =>
    queries.findVideos(ctx.db, { words, tags, author: author || null, before, limit }),
  )
}

const fillWithCards = (
  ctx: Ctx,
  input: { readonly viewerId: string | null; readonly page: PageQuery },
  readRows: (before: Position | null, limit: number) => Promise<Position[]>,
): Promise<Page<VideoCard>> =>
  fillPage(input.page, {
    readRows,
    loadItems: (rows) =>
      loadVideoCards(
        ctx,
        input.viewerId,
        rows.map((row) => row.id),
      ),
  })

async function searchNames<T extends queries.RankedName>(
  ctx: Ctx,
  find: (db: Ctx['db'], input: queries.NameMatchInput) => Promise<T[]>,
  text: string,
  { viewerId, page }: SearchInput,
): Promise<{ rows: T[]; nextCursor: string | null }> {
  if (text === '') return { rows: [], nextCursor: null }
  const after = page.cursor === undefined ? null : readNameCursor(page.cursor)
  const found = await find(ctx.db, { text, viewerId, after, limit: page.limit + 1 })
  const rows = found.slice(0, page.limit)
  const last = rows.at(-1)
  return { rows, nextCursor: found.length > page.limit && last ? writeNameCursor(last) : null }
}

const NameCursor = z.tuple([z.int().min(0).max(2), z.string().max(100)])

const writeNameCursor = ({ rank, name }: queries.RankedName) =>
  Buffer.from(JSON.stringify([rank, name])).toString('base64url')

/** @throws {AppError} invalid-input */
function readNameCursor(cursor: string): queries.RankedName {
  try {
    const [rank, name] = NameCursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    if (name.includes('\0')) throw badCursor()
    return { rank, name }
  } catch {
    throw badCursor()
  }
}
