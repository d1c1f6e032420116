/** Processes that keep what people do, on one data folder, and a way to take their database away. */
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openApi, type TestApi } from '../../../tests/support/api.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { startFaultProxy, type FaultProxy } from '../../../tests/support/fault-proxy.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createWorld, type TestAccount, type World } from '../../../tests/support/world.ts'
import type { Config } from '../config.ts'
import { openContext, type Ctx } from '../context.ts'
import { commentActs, commentRoutes } from '../../modules/comments/index.ts'
import { followActs, followRoutes } from '../../modules/follows/index.ts'
import { reactionActs, reactionRoutes } from '../../modules/reactions/index.ts'
import { replayAll, type AnyAct } from './index.ts'

export const ACTS: readonly AnyAct[] = [...reactionActs, ...followActs, ...commentActs]

export interface Keeper extends AsyncDisposable {
  readonly ctx: Ctx
  readonly api: TestApi
  /** Sees to it that the account is known without the database. */
  meet(...accounts: TestAccount[]): Promise<void>
  /** Settles what waits, once the database is there. */
  replay(acts?: readonly AnyAct[]): Promise<void>
}

export interface JournalWorld extends AsyncDisposable {
  /** Its own way to the database is never troubled. */
  readonly world: World
  readonly proxy: FaultProxy
  readonly root: string
  /** A process as the api is one; its database is behind the proxy. */
  openKeeper(): Promise<Keeper>
  /** Takes the database away from the keepers, and gives it back. */
  takeAway(): void
  giveBack(): void
  /** Puts a copy of the folders aside, and back: journals as the disk has them at that moment. */
  copyJournals(): Promise<{ putBack(): Promise<void> }>
}

export async function openJournalWorld(): Promise<JournalWorld> {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld())
  const url = new URL(world.databaseUrl)
  const proxy = stack.use(await startFaultProxy({ targetPort: Number(url.port), targetHost: url.hostname }))
  url.port = String(proxy.port)
  url.hostname = '127.0.0.1'
  const config: Config = { ...world.config, database: { url: url.href, poolSize: 6 } }
  const root = config.paths.journal
  const owned = stack.move()
  return {
    world,
    proxy,
    root,
    openKeeper: () => openKeeper(config),
    takeAway() {
      proxy.refuse()
      proxy.reset()
    },
    giveBack: () => proxy.admit(),
    async copyJournals() {
      const copy = `${root}-copy`
      await cp(root, copy, { recursive: true, filter: (path) => !path.endsWith('lock') })
      return {
        async putBack() {
          await rm(root, { recursive: true, force: true })
          await cp(copy, root, { recursive: true })
        },
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function openKeeper(config: Config): Promise<Keeper> {
  await using stack = new AsyncDisposableStack()
  const { ctx } = stack.use(await openContext({ config, role: 'test', isKeeping: true }))
  const api = stack.use(await openApi({ ctx }, reactionRoutes, followRoutes, commentRoutes))
  const owned = stack.move()
  return {
    ctx,
    api,
    async meet(...accounts) {
      for (const account of accounts) await api.call('GET', '/me/liked', account)
    },
    async replay(acts = ACTS) {
      await eventually(() => ctx.databaseGuard.isUp)
      await replayAll(ctx, acts)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A video of an author's, and someone who watches it and is known to the keeper. */
export async function openScene(journals: JournalWorld) {
  const { world } = journals
  const [author, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, author.id)
  const keeper = await journals.openKeeper()
  await keeper.meet(fan)
  return { author, fan, videoId, keeper }
}

/** Everything that acts of people leave, without ids and, unless asked for, times. */
export async function tracesOf(world: World, accountId: string) {
  const { db } = world.ctx
  const [likes, saves, follows, comments, events, notifications] = await Promise.all([
    db
      .selectFrom('video_like')
      .select(['video_id', 'created_at'])
      .where('account_id', '=', accountId)
      .execute(),
    db
      .selectFrom('video_save')
      .select(['video_id', 'created_at'])
      .where('account_id', '=', accountId)
      .execute(),
    db
      .selectFrom('follow')
      .select(['followee_id', 'created_at'])
      .where('follower_id', '=', accountId)
      .execute(),
    db
      .selectFrom('comment')
      .select(['id', 'body', 'created_at'])
      .where('account_id', '=', accountId)
      .orderBy('id')
      .execute(),
    db
      .selectFrom('event')
      .select(['kind', 'created_at'])
      .where('account_id', '=', accountId)
      .orderBy('id')
      .execute(),
    db.selectFrom('notification').select(['kind', 'created_at']).where('actor_id', '=', accountId).execute(),
  ])
  return {
    likes,
    saves,
    follows,
    comments,
    events,
    notifications,
    kinds: events.map(({ kind }) => kind).toSorted(),
    told: notifications.map(({ kind }) => kind).toSorted(),
  }
}

export const setAsideIn = async (root: string): Promise<string[]> =>
  readdir(join(root, 'aside')).catch(() => [])
