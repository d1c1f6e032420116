/** All SQL of uploads. */
import { sql, type Selectable } from 'kysely'
import type { Position } from '../../app/paging.ts'
import type { Db, Tables, Tx } from '../../infra/db/index.ts'
import './uploads.schema.ts'

export type UploadRow = Selectable<Tables['upload']>

export interface NewUpload {
  readonly id: string
  readonly account_id: string
  readonly video_id: string
  readonly client_key: string | null
  readonly filename: string
  readonly media_type: string
  readonly metadata: string
  readonly size_bytes: number
  readonly created_at: Date
}

export const insertUpload = (tx: Tx, row: NewUpload) =>
  tx
    .insertInto('upload')
    .values({ ...row, updated_at: row.created_at })
    .execute()

/** Makes creations wait for each other until the transaction ends: space is counted, then taken. */
export const lockCreation = (tx: Tx) =>
  sql`select pg_advisory_xact_lock(hashtext('upload-creation'))`.execute(tx)

/** What open uploads will still bring, in all. */
export async function sumReserved(db: Db | Tx): Promise<number> {
  const { total } = await db
    .selectFrom('upload')
    .select((select) => select.fn.sum<string | null>(sql`size_bytes - received_bytes`).as('total'))
    .where('state', '=', 'receiving')
    .executeTakeFirstOrThrow()
  return Number(total ?? 0)
}

/**
 * What the account's originals take: those that are there, and what those under way will have. Deleting a video gives the
 * room back, though its files go a moment later.
 */
export async function sumUsed(db: Db | Tx, accountId: string): Promise<number> {
  const { total } = await db
    .selectFrom('upload')
    .innerJoin('video', 'video.id', 'upload.video_id')
    .select((select) => select.fn.sum<string | null>('upload.size_bytes').as('total'))
    .where('upload.account_id', '=', accountId)
    .where('upload.state', 'in', ['receiving', 'safe'])
    .where('video.deleted_at', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(total ?? 0)
}

export async function countOpen(db: Db | Tx, accountId: string): Promise<number> {
  const { count } = await db
    .selectFrom('upload')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('account_id', '=', accountId)
    .where('state', '=', 'receiving')
    .executeTakeFirstOrThrow()
  return count
}

export const findUpload = (db: Db | Tx, id: string): Promise<UploadRow | undefined> =>
  db.selectFrom('upload').selectAll().where('id', '=', id).executeTakeFirst()

export const findOwnUpload = (db: Db | Tx, accountId: string, id: string): Promise<UploadRow | undefined> =>
  db
    .selectFrom('upload')
    .selectAll()
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .executeTakeFirst()

export const findByClientKey = (
  db: Db | Tx,
  accountId: string,
  clientKey: string,
): Promise<UploadRow | undefined> =>
  db
    .selectFrom('upload')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('client_key', '=', clientKey)
    .executeTakeFirst()

export const findByVideo = (db: Db | Tx, videoId: string): Promise<UploadRow | undefined> =>
  db.selectFrom('upload').selectAll().where('video_id', '=', videoId).executeTakeFirst()

/** Records what is synced. False: the upload takes no bytes any more, or another process is ahead. */
export async function recordReceived(
  db: Db | Tx,
  id: string,
  received: { readonly from: number; readonly to: number; readonly at: Date },
): Promise<boolean> {
  const result = await db
    .updateTable('upload')
    .set({ received_bytes: received.to, updated_at: received.at })
    .where('id', '=', id)
    .where('state', '=', 'receiving')
    .where('received_bytes', '=', received.from)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export const recordIndexOffset = (db: Db, id: string, offset: number, at: Date) =>
  db.updateTable('upload').set({ index_offset: offset, updated_at: at }).where('id', '=', id).execute()

/** False: it was safe already, or was cancelled meanwhile. */
export async function markSafe(
  tx: Tx,
  id: string,
  safe: { readonly sha256: Buffer; readonly sizeBytes: number; readonly at: Date },
): Promise<boolean> {
  const result = await tx
    .updateTable('upload')
    .set({
      state: 'safe',
      received_bytes: safe.sizeBytes,
      sha256: safe.sha256,
      safe_at: safe.at,
      updated_at: safe.at,
    })
    .where('id', '=', id)
    .where('state', '=', 'receiving')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export const markStored = (tx: Tx, id: string, at: Date) =>
  tx.updateTable('upload').set({ stored_at: at, updated_at: at }).where('id', '=', id).execute()

/** Ends the upload; of racing ends the first one counts. */
export async function markEnded(
  tx: Tx,
  id: string,
  end: {
    readonly state: 'failed' | 'cancelled'
    readonly failure: { readonly code: string; readonly reason: string } | null
    readonly at: Date
  },
): Promise<boolean> {
  const result = await tx
    .updateTable('upload')
    .set({
      state: end.state,
      failure_code: end.failure?.code ?? null,
      failure_reason: end.failure?.reason ?? null,
      ended_at: end.at,
      updated_at: end.at,
    })
    .where('id', '=', id)
    .where('state', 'in', ['receiving', 'safe'])
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Those that got no byte since `before`. */
export const listStale = (db: Db, stale: { before: Date; unbegunBefore: Date }, limit: number) =>
  db
    .selectFrom('upload')
    .select('id')
    .where('state', '=', 'receiving')
    .where((eb) =>
      eb.or([
        eb('updated_at', '<', stale.before),
        eb.and([eb('received_bytes', '=', 0), eb('created_at', '<', stale.unbegunBefore)]),
      ]),
    )
    .orderBy('updated_at')
    .limit(limit)
    .execute()

/** Those whose video was deleted while they were under way. */
export const listOrphaned = (db: Db, limit: number) =>
  db
    .selectFrom('upload')
    .innerJoin('video', 'video.id', 'upload.video_id')
    .select('upload.id')
    .where('upload.state', '=', 'receiving')
    .where('video.deleted_at', 'is not', null)
    .limit(limit)
    .execute()

/** Those that are still receiving a file which can't become a video. */
export const listRefused = (db: Db, limit: number) =>
  db
    .selectFrom('upload')
    .innerJoin('video', 'video.id', 'upload.video_id')
    .select('upload.id')
    .where('upload.state', '=', 'receiving')
    .where('video.failed_at', 'is not', null)
    .limit(limit)
    .execute()

/** Videos that never came to be, since before `before`, and still have their original. */
export const listSpent = (db: Db, before: Date, limit: number) =>
  db
    .selectFrom('video')
    .select('id as videoId')
    .where('failed_at', '<', before)
    .where('generation', 'is', null)
    // It was a video before the disk lost it, and is one again when the disk comes back.
    .where('failure_code', '!=', 'video-lost')
    .where('deleted_at', 'is', null)
    .limit(limit)
    .execute()

/** Those that are safe but have not been handed over. */
export const listUnstored = (db: Db, limit: number) =>
  db
    .selectFrom('upload')
    .selectAll()
    .where('state', '=', 'safe')
    .where('stored_at', 'is', null)
    .orderBy('safe_at')
    .limit(limit)
    .execute()

/** Which of these are still receiving, or safe but not handed over: their staged files are needed. */
export async function listStaged(db: Db, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    select id from upload
    where id = any(${ids}::uuid[]) and (state = 'receiving' or (state = 'safe' and stored_at is null))`.execute(
    db,
  )
  return new Set(rows.map((row) => row.id))
}

const receipts = (db: Db | Tx) =>
  db
    .selectFrom('upload as u')
    .leftJoin('video as v', 'v.id', 'u.video_id')
    .selectAll('u')
    .select([
      'v.caption',
      'v.visibility',
      'v.publish_requested_at as publishRequestedAt',
      'v.published_at as publishedAt',
      'v.generation',
      'v.playable_height as playableHeight',
      'v.poster_version as posterVersion',
      'v.is_complete as isComplete',
      'v.playable_at as playableAt',
      'v.complete_at as completeAt',
      'v.failure_code as videoFailureCode',
      'v.failure_reason as videoFailureReason',
      'v.failed_at as videoFailedAt',
      'v.work_progress as workProgress',
      'v.work_left_s as workLeftS',
      'v.work_waits_for as waitsFor',
      'v.deleted_at as deletedAt',
      // One clock for all processes: their answers about an upload overtake each other on their way to a browser.
      sql<Date>`statement_timestamp()`.as('asOf'),
    ])

export type ReceiptRow = NonNullable<Awaited<ReturnType<typeof findReceipt>>>

export const findReceipt = (db: Db | Tx, id: string) => receipts(db).where('u.id', '=', id).executeTakeFirst()

export const listReceipts = (db: Db, accountId: string, before: Position | null, limit: number) =>
  receipts(db)
    .select('u.created_at as at')
    .where('u.account_id', '=', accountId)
    .$if(before !== null, (query) =>
      query.where((where) =>
        where(where.refTuple('u.created_at', 'u.id'), '<', where.tuple(before!.at, before!.id)),
      ),
    )
    .orderBy('u.created_at', 'desc')
    .orderBy('u.id', 'desc')
    .limit(limit)
    .execute()
