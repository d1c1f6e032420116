/**
 * Whether the folder of blobs is the one that belongs to the database. While its disk is not mounted nothing in it is
 * there, and yet nothing is lost.
 */
import type { Ctx } from '../../app/context.ts'
import * as queries from './reconcile.queries.ts'

const MARKER_KEY = 'store-id'

/** Marks the folder, once in the life of the database. Idempotent. @returns its id */
export async function markBlobStore(ctx: Pick<Ctx, 'db' | 'blobs' | 'clock' | 'newId'>): Promise<string> {
  const { id, isMarked } = await queries.ensureStore(ctx.db, ctx.newId())
  if (isMarked) return id
  await ctx.blobs.put(MARKER_KEY, Buffer.from(`${id}\n`))
  await queries.markStore(ctx.db, ctx.clock.now())
  return id
}

/** Says no, and to the operator what to do, when the mark is not there. */
export async function isOwnBlobStore(ctx: Ctx): Promise<boolean> {
  await markBlobStore(ctx)
  const { id } = await queries.ensureStore(ctx.db, ctx.newId())
  const bytes = await ctx.blobs.readAll(MARKER_KEY)
  if (bytes && Buffer.from(bytes).toString('utf8').trim() === id) return true
  ctx.log.error(
    { markerKey: MARKER_KEY, storeId: id, folder: ctx.config.paths.blobs },
    'The folder of blobs is not the one of this database: mount its disk. If that is lost for good, write the store id into the marker file, and what is missing is given up.',
  )
  return false
}
