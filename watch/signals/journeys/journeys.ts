/** Whole ways through the platform, as a person goes them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from '../../../contract/common.ts'
import type { MeResponse } from '../../../contract/accounts.ts'
import type { Comment, CommentPage, SearchPage } from '../../../contract/social.ts'
import { ServiceState, type Feature, type FeatureMode, type Reason } from '../../../contract/state.ts'
import type { FeedPage, VideoCard } from '../../../contract/videos.ts'
import type { ProbeFailure } from '../../../engines/detect/types.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { MonitorOf } from '../../configuration/index.ts'
import type { CheckContext, CheckLimits, CheckResult } from '../probes/index.ts'
import { createJourneyAccounts, type AccountSource, type JourneyAccounts } from './account.ts'
import { sendClip, waitForReceipt } from './clip.ts'
import { createJourneyVideos, type JourneyVideos } from './own-video.ts'
import { watchVideo } from './video.ts'
import { JourneyError, journeyFailure, travel, type Traveller } from './traveller.ts'

type JourneyMonitor = MonitorOf<'journey'>

interface JourneyTools {
  readonly clock: Clock
  readonly accounts: JourneyAccounts
  /** When a real sign-in was last made, by origin: the platform counts attempts. */
  readonly signedInAtMs: Map<string, number>
  /** The video that each origin's feed gave last. */
  readonly masters: Map<string, string>
  /** Each origin's video of our own to comment on and to like. */
  readonly videos: JourneyVideos
}

type Journey = (traveller: Traveller, monitor: JourneyMonitor, tools: JourneyTools) => Promise<void>

/** Beyond ten attempts in ten minutes the platform takes us for a guesser. */
const SIGN_IN_EVERY_MS = 90_000
const POLL_MS = 500
/** What an interrupted journey left behind is cleared away by a later one. */
const LEFTOVER_AGE_MS = 10 * 60_000
const MARK = 'A check by the outage monitor'

const JOURNEYS: Record<JourneyMonitor['journey'], Journey> = {
  'upbeat-sign-in': signIn,
  'upbeat-feed': loadFeed,
  'upbeat-video': async (traveller, monitor, { masters }) => {
    const masterUrl = await findMaster(traveller, masters)
    if (masterUrl !== null) await watchVideo(traveller, masterUrl, monitor.rung)
  },
  'upbeat-upload': uploadClip,
  'upbeat-comment': comment,
  'upbeat-counts': seeCounts,
  'upbeat-search': search,
}

/** Makes the runner of journeys, which travel with accounts of this source. */
export function createJourneyRunner(clock: Clock, source: AccountSource, limits: CheckLimits = {}) {
  const tools: JourneyTools = {
    clock,
    accounts: createJourneyAccounts(clock, source),
    signedInAtMs: new Map(),
    masters: new Map(),
    videos: createJourneyVideos(),
  }
  return (monitor: JourneyMonitor, { signal }: CheckContext): Promise<CheckResult> =>
    travel(
      {
        url: monitor.url,
        timeoutMs: monitor.timeoutS * 1_000,
        allowPrivate: monitor.allowPrivate,
        limits,
        clock,
        signal,
      },
      async (traveller) => {
        try {
          await JOURNEYS[monitor.journey](traveller, monitor, tools)
        } catch (error) {
          // A session that is refused is not tried again.
          if (error instanceof JourneyError && error.failure === 'http-4xx') {
            tools.accounts.forgetSession(traveller)
            tools.videos.forget(traveller)
          }
          throw error
        }
      },
    )
}

async function signIn(traveller: Traveller, monitor: JourneyMonitor, tools: JourneyTools): Promise<void> {
  const nowMs = tools.clock.now().getTime()
  const lastMs = tools.signedInAtMs.get(traveller.origin)
  if (lastMs === undefined || nowMs - lastMs >= SIGN_IN_EVERY_MS) {
    // Noted first: attempts that fail are counted by the platform, too.
    tools.signedInAtMs.set(traveller.origin, nowMs)
    await tools.accounts.signIn(traveller, monitor)
  } else await tools.accounts.enter(traveller, monitor)
  const { account } = await traveller.getJson<MeResponse>('session', '/api/v1/me')
  if (account) return
  tools.accounts.forgetSession(traveller)
  throw journeyFailure('assertion', 'session: the account is signed out right after signing in.')
}

async function readFeed(traveller: Traveller): Promise<readonly VideoCard[]> {
  const page = await traveller.getJson<FeedPage>('feed', '/api/v1/feed/for-you?limit=5')
  if (!Array.isArray(page.items)) throw journeyFailure('assertion', 'feed: the answer has no list of videos.')
  return page.items
}

/** What the feed answers when it is refused, or wrong: videos may play all the same. */
const FEED_REFUSES: ReadonlySet<ProbeFailure> = new Set(['http-5xx', 'http-4xx', 'overloaded', 'assertion'])

/** The first video of the feed; while that is refused, the one that it gave before. Null: it is empty, which is no fault. */
async function findMaster(traveller: Traveller, masters: Map<string, string>): Promise<string | null> {
  try {
    const [card] = await readFeed(traveller)
    if (card) masters.set(traveller.origin, card.playback.masterUrl)
    return card?.playback.masterUrl ?? null
  } catch (error) {
    if (!(error instanceof JourneyError) || !error.failure || !FEED_REFUSES.has(error.failure)) throw error
    const known = masters.get(traveller.origin)
    if (known === undefined) return traveller.prepare(() => Promise.reject(error))
    return known
  }
}

async function loadFeed(traveller: Traveller): Promise<void> {
  const [card] = await readFeed(traveller)
  // An empty instance has an empty feed, and that is no fault.
  if (!card) return
  const poster = await traveller.get('picture', card.posterUrl)
  if (!String(poster.headers['content-type']).startsWith('image/') || poster.body.length === 0)
    throw journeyFailure('assertion', 'picture: the cover of the first video is no picture.')
}

async function uploadClip(traveller: Traveller, monitor: JourneyMonitor, tools: JourneyTools): Promise<void> {
  await traveller.prepare(() => tools.accounts.enter(traveller, monitor))
  const receipt = await sendClip(traveller, MARK)
  try {
    const playable = await waitForReceipt(traveller, receipt.id, monitor.until)
    const card = await traveller.getJson<VideoCard>('card', `/api/v1/videos/${playable.videoId}`)
    await watchVideo(traveller, card.playback.masterUrl, null)
  } finally {
    await cleanUp(traveller, receipt.videoId)
  }
}

/** Nothing of the check stays, also of those that were cut off. A failure here is no outage. */
async function cleanUp(traveller: Traveller, videoId: string): Promise<void> {
  try {
    await traveller.send('clean-up', { method: 'DELETE', path: `/api/v1/videos/${videoId}`, accept: [404] })
    const own = await traveller.getJson<Page<VideoCard>>('clean-up', '/api/v1/me/videos?limit=20')
    const old = own.items.filter(
      ({ caption, publishedAt }) =>
        caption === MARK && publishedAt !== null && Date.now() - Date.parse(publishedAt) > LEFTOVER_AGE_MS,
    )
    for (const { id } of old.slice(0, 3))
      await traveller.send('clean-up', { method: 'DELETE', path: `/api/v1/videos/${id}`, accept: [404] })
  } catch {
    // The next journey finds what is left.
  }
}

const COMMENT_MARK = 'Check '
const LEFTOVERS_AT_ONCE = 3

/** On a private video of its own: nobody else sees or is told of it. */
async function comment(traveller: Traveller, monitor: JourneyMonitor, tools: JourneyTools): Promise<void> {
  const videoId = await enterOwnVideo(traveller, monitor, tools)
  const path = `/api/v1/videos/${videoId}/comments`
  const made = await traveller.sendJson<Comment>('comment', 'POST', path, {
    body: `${COMMENT_MARK}${crypto.randomUUID()}`,
  })
  const list = await traveller.getJson<CommentPage>('comments', path)
  const isThere = list.items.some(({ id }) => id === made.id)
  const left = list.items.filter(({ id, body }) => id !== made.id && body.startsWith(COMMENT_MARK))
  for (const { id } of [made, ...left.slice(0, LEFTOVERS_AT_ONCE)])
    await traveller
      .send('clean-up', { method: 'DELETE', path: `/api/v1/comments/${id}`, accept: [404] })
      .catch(
        // One that is left is found by a later journey, and is no outage of what was looked at.
        () => null,
      )
  if (isThere) return
  if (made.isKept)
    throw journeyFailure('assertion', 'comments: it is taken and kept, and others do not see it yet.')
  // A list that says how old it is works as it is declared.
  if (list.asOf !== undefined) return
  throw journeyFailure('assertion', 'comments: the comment that was just made is not in the list.')
}

/** Likes and takes it back, and sees that the counts are folded: what the worker does after the answer. */
async function seeCounts(traveller: Traveller, monitor: JourneyMonitor, tools: JourneyTools): Promise<void> {
  const id = await enterOwnVideo(traveller, monitor, tools)
  const before = await traveller.getJson<VideoCard>('card', `/api/v1/videos/${id}`)
  const path = `/api/v1/videos/${id}/like`
  await traveller.send('like', { method: before.viewer?.isLiked ? 'DELETE' : 'PUT', path })
  const endMs = performance.now() + traveller.patienceMs
  for (;;) {
    const now = await traveller.getJson<VideoCard>('counts', `/api/v1/videos/${id}`)
    if (now.counts.asOf !== null && now.counts.asOf !== before.counts.asOf) return
    if (performance.now() > endMs - POLL_MS) break
    await sleep(POLL_MS)
  }
  // Counts that are from memory on purpose do not move by themselves.
  if (await isChosen(traveller, 'counts', 'cached')) return
  throw journeyFailure('timeout', 'counts: a like was taken, and the counts have not moved since.')
}

/** Signed in, and with the video of its own: what both need that is not looked at. */
const enterOwnVideo = (
  traveller: Traveller,
  monitor: JourneyMonitor,
  { accounts, videos }: JourneyTools,
): Promise<string> =>
  traveller.prepare(async () => {
    await accounts.enter(traveller, monitor)
    return videos.find(traveller)
  })

/** Why a feature works with less than it could; any other reason is that something is broken. */
const CHOSEN: ReadonlySet<Reason | null> = new Set<Reason>(['overload', 'operator', 'maintenance'])

/** Whether the platform says of itself that it lets the feature work in this way now, and need not. */
async function isChosen(traveller: Traveller, feature: Feature, mode: FeatureMode): Promise<boolean> {
  const told = await traveller.getJson<unknown>('state', '/api/v1/state').catch(() => null)
  const state = ServiceState.safeParse(told)
  if (!state.success) return false
  const now = state.data.features[feature]
  return now.mode === mode && CHOSEN.has(now.reason)
}

/** Searches for somebody who is known to be there: the journeys' own account. */
async function search(traveller: Traveller, monitor: JourneyMonitor, tools: JourneyTools): Promise<void> {
  await traveller.prepare(() => tools.accounts.enter(traveller, monitor))
  const handle = monitor.account?.handle ?? tools.accounts.handleAt(traveller.origin)
  const found = await traveller.getJson<SearchPage>(
    'search',
    `/api/v1/search?type=people&q=${encodeURIComponent(handle ?? 'watch')}`,
  )
  if (!Array.isArray(found.people))
    throw journeyFailure('assertion', 'search: the answer has no list of people.')
  if (handle !== null && !found.people.some((person) => person.handle === handle))
    throw journeyFailure('assertion', 'search: an account that exists is not found.')
}
