/** Verbs on follows and blocks. No other module writes `follow` or `block`. */
import type { AccountListItem } from '../../../contract/accounts.ts'
import type { Page, PageQuery } from '../../../contract/common.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError, NotFoundError } from '../../app/errors.ts'
import { cutPage, pageOfRows, readCursor, type Position } from '../../app/paging.ts'
import { inTransaction, readStamp, type Db, type Tx } from '../../infra/db/index.ts'
import { findAccountByHandle, findAccountById, loadAccountCards } from '../accounts/index.ts'
import { notifyAccount } from '../notifications/index.ts'
import * as queries from './follows.queries.ts'

export interface TowardsInput {
  readonly viewerId: string
  /** Of the other account, in any capitals. */
  readonly handle: string
  /** The account itself, where it is known: the handle is then what people call it, and no more. @default null */
  readonly accountId?: string | null
}

/**
 * The account of that handle, as far as the viewer (null: signed out) may know of it.
 *
 * @throws {NotFoundError} when there is none, or when it blocks the viewer: the two look the same.
 */
export async function findKnownAccount(
  db: Db | Tx,
  input: Omit<TowardsInput, 'viewerId'> & { readonly viewerId: string | null },
) {
  const account = input.accountId
    ? await findAccountById(db, input.accountId)
    : await findAccountByHandle(db, input.handle)
  if (!account) throw new NotFoundError('account', `@${input.handle}`)
  const relation =
    input.viewerId === null || input.viewerId === account.id
      ? null
      : await queries.selectRelation(db, input.viewerId, account.id)
  if (relation?.isBlockedBy) throw new NotFoundError('account', `@${input.handle}`)
  return { account, relation }
}

/**
 * Follows the account. Idempotent: repeating it changes nothing and tells nobody again.
 *
 * @throws {NotFoundError} when the account is missing, or one of the two blocks the other.
 * @throws {AppError} invalid-input: nobody follows themselves.
 */
export async function followAccount(ctx: Ctx, input: TowardsInput): Promise<{ isFollowing: true }> {
  const { account } = await findKnownAccount(ctx.db, input)
  const { viewerId } = input
  refuseSelf(viewerId, account.id, 'follow')
  return inTransaction(ctx, async (tx) => {
    // Under the lock: else a block that commits between the look and the insert would leave a follow behind.
    await queries.lockPair(tx, viewerId, account.id)
    const { isBlocking, isBlockedBy } = await queries.selectRelation(tx, viewerId, account.id)
    if (isBlocking || isBlockedBy) throw new NotFoundError('account', `@${input.handle}`)
    if (await queries.insertFollow(tx, viewerId, account.id, ctx.clock.now())) {
      await ctx.events.append(tx, { kind: 'followed', accountId: viewerId, subjectId: account.id })
      await notifyAccount(ctx, tx, { accountId: account.id, kind: 'followed', actorId: viewerId })
    }
    return { isFollowing: true }
  })
}

/** Stops following. Idempotent. @throws {NotFoundError} when the account is missing or blocks the viewer. */
export async function unfollowAccount(ctx: Ctx, input: TowardsInput): Promise<{ isFollowing: false }> {
  const { account } = await findKnownAccount(ctx.db, input)
  return inTransaction(ctx, async (tx) => {
    await removeFollow(ctx, tx, input.viewerId, account.id)
    return { isFollowing: false }
  })
}

async function removeFollow(ctx: Ctx, tx: Tx, followerId: string, followeeId: string): Promise<void> {
  if (await queries.deleteFollow(tx, followerId, followeeId))
    await ctx.events.append(tx, { kind: 'unfollowed', accountId: followerId, subjectId: followeeId })
}

/**
 * Blocks the account: each follows the other no more, and neither sees the other's videos, comments or profile.
 * Idempotent.
 *
 * @throws {NotFoundError} when the account is missing, or blocks the viewer (who would learn that it exists).
 * @throws {AppError} invalid-input: nobody blocks themselves.
 */
export async function blockAccount(ctx: Ctx, input: TowardsInput): Promise<{ isBlocking: true }> {
  const { account } = await findKnownAccount(ctx.db, input)
  const { viewerId } = input
  refuseSelf(viewerId, account.id, 'block')
  const pair = { accountId: viewerId, subjectId: account.id }
  const stamp = await inTransaction(ctx, async (tx) => {
    await queries.lockPair(tx, viewerId, account.id)
    await removeFollow(ctx, tx, viewerId, account.id)
    await removeFollow(ctx, tx, account.id, viewerId)
    if (await queries.insertBlock(tx, viewerId, account.id, ctx.clock.now()))
      await ctx.events.append(tx, { kind: 'blocked', ...pair })
    return readStamp(tx)
  })
  // Also when it stood already: whoever asked for it first may have died before it was told.
  await ctx.standby.withdraw({ kind: 'blocked', ...pair, stamp })
  return { isBlocking: true }
}

/** Lifts the viewer's block. Follows do not come back. Idempotent. @throws {NotFoundError} as with blocking. */
export async function unblockAccount(ctx: Ctx, input: TowardsInput): Promise<{ isBlocking: false }> {
  const account = await findAccountByHandle(ctx.db, input.handle)
  if (!account) throw new NotFoundError('account', `@${input.handle}`)
  const pair = { accountId: input.viewerId, subjectId: account.id }
  const stamp = await inTransaction(ctx, async (tx) => {
    // Under the lock, so that a block and its end are told in their order.
    await queries.lockPair(tx, input.viewerId, account.id)
    // Two who block each other can still lift their own block; for anyone else a blocker is missing.
    if (!(await queries.deleteBlock(tx, input.viewerId, account.id))) {
      await findKnownAccount(tx, input)
      return null
    }
    await ctx.events.append(tx, { kind: 'unblocked', ...pair })
    return readStamp(tx)
  })
  if (stamp) await ctx.standby.withdraw({ kind: 'unblocked', ...pair, stamp })
  return { isBlocking: false }
}

/** Who follows the account, or whom it follows, newest first. @throws {NotFoundError} */
export async function listFollows(
  ctx: Ctx,
  input: {
    readonly viewerId: string | null
    readonly handle: string
    readonly side: 'followers' | 'following'
    readonly page: PageQuery
  },
): Promise<Page<AccountListItem>> {
  const { viewerId, side, page } = input
  const { account, relation } = await findKnownAccount(ctx.db, input)
  if (relation?.isBlocking) return { items: [], nextCursor: null }
  const rows = await queries.selectFollows(ctx.db, side, {
    accountId: account.id,
    viewerId,
    before: readCursor(page.cursor),
    limit: page.limit + 1,
  })
  return presentList(ctx, viewerId, rows, page.limit)
}

/** Whom the viewer blocks, newest first. */
export async function listBlocks(
  ctx: Ctx,
  input: { readonly viewerId: string; readonly page: PageQuery },
): Promise<Page<AccountListItem>> {
  const { viewerId, page } = input
  const rows = await queries.selectBlocks(ctx.db, viewerId, {
    before: readCursor(page.cursor),
    limit: page.limit + 1,
  })
  return presentList(ctx, viewerId, rows, page.limit)
}

async function presentList(
  ctx: Ctx,
  viewerId: string | null,
  rows: readonly Position[],
  limit: number,
): Promise<Page<AccountListItem>> {
  const cut = cutPage(rows, limit)
  const items = await loadAccountListItems(
    ctx.db,
    viewerId,
    cut.rows.map((row) => row.id),
  )
  return pageOfRows(cut, (row) => items.get(row.id))
}

/** List items by account id, with whether the viewer follows them (null for a visitor). Blocks are the caller's to leave out. */
export async function loadAccountListItems(
  db: Db | Tx,
  viewerId: string | null,
  ids: readonly string[],
): Promise<Map<string, AccountListItem>> {
  const [cards, followed] = await Promise.all([
    loadAccountCards(db, ids),
    viewerId === null ? null : queries.selectFollowed(db, viewerId, ids),
  ])
  return new Map([...cards].map(([id, card]) => [id, { ...card, isFollowing: followed?.has(id) ?? null }]))
}

/** Followers of the account, and how many it follows. */
export const countFollows = queries.countFollows

/** Everyone who blocks the account or whom it blocks: neither sees the other. */
export const loadHiddenAccountIds = async (db: Db | Tx, accountId: string): Promise<Set<string>> =>
  new Set(await queries.selectHidden(db, accountId))

function refuseSelf(viewerId: string, accountId: string, verb: string): void {
  if (viewerId === accountId) throw selfError(verb)
}

export const selfError = (verb: string): AppError =>
  new AppError('invalid-input', { detail: `You can't ${verb} yourself.`, isWorkKept: null })
