/** Posts in public accounts: in the order of each thread, one at a time in each account, at most so many in ten minutes. */
import { createRateBucket } from '../../../kit/bounded/rate-bucket.ts'
import type { WatchCtx } from '../../app/context.ts'
import type { PostTarget } from '../../configuration/index.ts'
import type { Statement } from '../../store/index.ts'
import { missAddress, urlOf } from '../message-links.ts'
import { createWork } from '../work.ts'
import { createBlueskyPoster, type BlueskyPoster } from './bluesky.ts'
import { postToMastodon } from './mastodon.ts'
import {
  giveUpPostStatement,
  holdPostStatement,
  listDuePosts,
  postedStatement,
  retryPostStatement,
  threadOf,
  type DuePost,
} from './post-records.ts'
import type { PostInput, PostOutcome, Thread } from './poster.ts'

const LOAD_MAX = 100
/** An outage that comes and goes must not fill people's timelines, nor cost the account its standing. */
const BURST = 10
const REFILL_MS = 600_000
const FIRST_PAUSE_MS = 10_000
const LONGEST_PAUSE_MS = 3_600_000
/** After a day it is no news any more. */
const GIVE_UP_AFTER_MS = 86_400_000

export interface Posts {
  /** Begins to post what is due. Answers how many posts that are. */
  load(): number
  /** Answers once nothing is under way any more. */
  idle(): Promise<void>
  /** Answers once the posts that were under way have ended; no other begins. */
  close(): Promise<void>
}

/** Begins with nothing under way. */
export function createPosts(ctx: WatchCtx): Posts {
  const bucket = createRateBucket({ burst: BURST, refillMs: REFILL_MS, clock: ctx.clock })
  const bluesky = createBlueskyPoster(ctx.clock)
  const work = createWork(ctx)
  const accountsUnderWay = new Set<string>()
  const rests = createRests(ctx)

  function load(): number {
    const due = listDuePosts(ctx.store, ctx.clock.now().getTime(), LOAD_MAX)
    const byAccount = Map.groupBy(due, ({ serviceId, targetId }) => `${serviceId}/${targetId}`)
    let count = 0
    for (const [account, posts] of byAccount) {
      if (accountsUnderWay.has(account) || rests.isResting(account)) continue
      count += posts.length
      accountsUnderWay.add(account)
      work.add(postAll(account, posts).finally(() => accountsUnderWay.delete(account)))
    }
    return count
  }

  async function postAll(account: string, posts: readonly DuePost[]): Promise<void> {
    const target = targetOf(ctx, posts[0]!)
    if (!target) {
      const error = 'The account is not in the service’s file any more.'
      return work.keep(posts.map(({ id }) => giveUpPostStatement(id, error)))
    }
    for (const [index, post] of posts.entries()) {
      if (work.isClosed()) return
      const waitMs = bucket.take(account)
      if (waitMs > 0) {
        const dueAtMs = ctx.clock.now().getTime() + waitMs
        return work.keep(posts.slice(index).map(({ id }) => holdPostStatement(id, dueAtMs)))
      }
      const thread = threadOf(ctx.store, post)
      const outcome = await postOne(ctx, bluesky, { target, post, thread })
      await work.keep([statementFor(ctx, post, thread, outcome)])
      if (outcome.kind === 'ours') return rests.begin(account, outcome)
      rests.end(account)
    }
  }

  return { load, idle: work.idle, close: work.close }
}

/** As a reply where there is a thread, and where that is gone, as the beginning of another. */
async function postOne(
  ctx: WatchCtx,
  bluesky: BlueskyPoster,
  input: { readonly target: PostTarget; readonly post: DuePost; readonly thread: Thread | null },
): Promise<PostOutcome> {
  const { target, post, thread } = input
  const { publicUrl } = ctx.config
  if (publicUrl === null) missAddress(ctx)
  const url = publicUrl === null ? null : urlOf(post.notice, publicUrl)
  const send = (one: PostInput) =>
    target.kind === 'mastodon' ? postToMastodon(ctx.clock, target, one) : bluesky.post(target, one)
  const outcome = await send({ notice: post.notice, url, thread })
  if (outcome.kind !== 'orphaned') return outcome
  const anew = await send({ notice: post.notice, url, thread: null })
  return anew.kind === 'posted' ? { ...anew, root: anew.ref } : anew
}

const targetOf = (ctx: WatchCtx, { serviceId, targetId }: DuePost): PostTarget | undefined =>
  ctx.catalog.find(serviceId)?.posts.find(({ id }) => id === targetId)

function statementFor(
  ctx: WatchCtx,
  { id, attempts, firstDueAtMs }: DuePost,
  thread: Thread | null,
  outcome: PostOutcome,
): Statement {
  const nowMs = ctx.clock.now().getTime()
  switch (outcome.kind) {
    case 'posted':
      return postedStatement(id, outcome.ref, outcome.root ?? thread?.root ?? outcome.ref)
    case 'impossible':
    case 'orphaned':
      return giveUpPostStatement(id, outcome.error)
    case 'ours':
      return holdPostStatement(id, nowMs)
    case 'retry':
      return nowMs - firstDueAtMs > GIVE_UP_AFTER_MS
        ? giveUpPostStatement(id, outcome.error)
        : retryPostStatement(
            id,
            nowMs + (outcome.afterS ? outcome.afterS * 1000 : pauseAfter(attempts)),
            outcome.error,
          )
  }
}

const pauseAfter = (attempts: number): number => Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts)

/** Accounts whose secret is refused rest, ever longer, and their operator is told. */
function createRests(ctx: WatchCtx) {
  const byAccount = new Map<string, { count: number; untilMs: number }>()
  return {
    isResting: (account: string): boolean => (byAccount.get(account)?.untilMs ?? 0) > ctx.clock.monotonicMs(),
    begin(account: string, { error, remedy }: { readonly error: string; readonly remedy: string }): void {
      const count = byAccount.get(account)?.count ?? 0
      byAccount.set(account, { count: count + 1, untilMs: ctx.clock.monotonicMs() + pauseAfter(count) })
      ctx.troubles.raise({
        id: `posts/${account}`,
        what: `Nothing is posted by ${account}. ${error}`,
        remedy,
      })
    },
    end(account: string): void {
      byAccount.delete(account)
      ctx.troubles.end(`posts/${account}`)
    },
  }
}
