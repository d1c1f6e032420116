/**
 * Pages of lists by keyset: a cursor is the position of the last item (a time and an id), so that nothing is skipped or
 * repeated while the list grows at its head.
 */
import type { Page, PageQuery } from '../../contract/common.ts'
import { AppError } from './errors.ts'

/** A place in a list that is ordered by time, then id. */
export interface Position {
  readonly at: Date
  readonly id: string
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Later than this a Date has no ISO form that PostgreSQL reads. */
const LAST_MS = Date.UTC(9999, 11, 31)

/** The cursor that leads on from here. */
export const writePosition = ({ at, id }: Position): string => `${at.getTime()}.${id}`

/** @throws {AppError} invalid-input when the cursor is not one that `writePosition` made. */
export function readPosition(cursor: string): Position {
  const [, ms, id = ''] = /^(\d{1,15})\.(.+)$/.exec(cursor) ?? []
  if (ms === undefined || Number(ms) > LAST_MS || !UUID.test(id)) throw badCursor()
  return { at: new Date(Number(ms)), id }
}

/** The position to go on from; null: the beginning. */
export const readCursor = (cursor: string | undefined): Position | null =>
  cursor === undefined ? null : readPosition(cursor)

/** What whoever sent a cursor that nobody gave them is told. */
export const badCursor = () =>
  new AppError('invalid-input', {
    detail: 'The cursor is not one of ours.',
    fields: { cursor: 'Leave it out to begin at the start of the list.' },
  })

/** Cuts `limit + 1` rows down to a page: the surplus row only says that there is more. */
export function cutPage<T extends Position>(
  rows: readonly T[],
  limit: number,
): { rows: T[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { rows: shown, nextCursor: rows.length > limit && last ? writePosition(last) : null }
}

/** The page of what the rows stand for, in their order; a row without an item is left out. */
export function pageOfRows<R, T>(
  cut: { readonly rows: readonly R[]; readonly nextCursor: string | null },
  itemOf: (row: R) => T | undefined,
): Page<T> {
  return { items: cut.rows.flatMap((row) => itemOf(row) ?? []), nextCursor: cut.nextCursor }
}

/** How many times a page is filled up when what was read is hidden from the viewer; it may then be short. */
const FILL_ROUNDS = 5

/**
 * A page of what the viewer may see of a longer list: reads on until the page is full. Only `nextCursor` null means the
 * end; a page may be short, even empty, before it.
 */
export async function fillPage<R extends Position, T>(
  page: PageQuery,
  source: {
    readonly readRows: (before: Position | null, limit: number) => Promise<readonly R[]>
    /** Items by row id; a row without one is hidden. */
    readonly loadItems: (rows: readonly R[]) => Promise<ReadonlyMap<string, T>>
  },
): Promise<Page<T>> {
  const { limit } = page
  const items: T[] = []
  let before = readCursor(page.cursor)
  for (let round = 0; round < FILL_ROUNDS; round++) {
    const rows = await source.readRows(before, limit + 1)
    const found = await source.loadItems(rows.slice(0, limit))
    for (const [index, row] of rows.slice(0, limit).entries()) {
      before = row
      const item = found.get(row.id)
      if (item !== undefined) items.push(item)
      if (items.length === limit)
        return { items, nextCursor: index + 1 < rows.length ? writePosition(row) : null }
    }
    if (rows.length <= limit) return { items, nextCursor: null }
  }
  return { items, nextCursor: before && writePosition(before) }
}
