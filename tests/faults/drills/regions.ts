/**
 * Two regions, each with an API and a database of its own. One is closed and reopens by a ramp, which is no outage; then the
 * link between them is cut, without a word, and what the second shows of its age is held against its replica.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RegionStatus } from '../../../contract/state.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import { upbeat } from '../../support/command-line.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { eventually } from '../../rig/eventually.ts'
import { signUp, type DrillClient } from '../../rig/people/client.ts'
import { publishVideos } from '../../rig/people/publishing.ts'
import { readState } from '../../rig/service.ts'
import { startTwoRegions, type TwoRegions } from '../injecting/two-regions.ts'
import { readStatus } from '../observing/watched.ts'
import { allowedMs, secondsSince, type Report } from '../report.ts'
import { openChromium, PHONE } from '../../support/chromium.ts'

const REASON = 'A court has ordered it, case 12 of 2026.'
const NETWORKS = 1_000
const CUT_MS = 60_000
const BEAT_MS = 200
/** The verdict that the link is cut, and a look a second. */
const LAG_OFF_MAX_S = 3
/** A page asks every ten seconds. */
const SHOWN_OFF_MAX_S = 15
const SHOWN_WITHIN_MS = 40_000
const BACK_WITHIN_MS = 30_000

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  let videoId = ''
  await using regions = await startTwoRegions(dir.path, async (first) => {
    await publishVideos(first.url, 2)
    videoId = await firstVideoOf(first.url)
  })
  const person = await signUp(regions.second.url)
  await readsFromReplica(report, regions, person)
  await closeAndReopen(report, regions)
  await cutTheLink(report, regions, { person, videoId })
}

async function firstVideoOf(url: string): Promise<string> {
  const answer = await eventually(allowedMs(30_000), async () => {
    const { items } = (await (await fetch(`${url}/api/v1/feed/for-you`)).json()) as {
      items: { id: string }[]
    }
    return items[0]?.id
  })
  return answer ?? ''
}

/** From a network of the region. */
const from = (network: number) => ({
  'x-forwarded-for': `44.${network >> 8}.${network & 255}.9`,
})

async function readsFromReplica(report: Report, { second }: TwoRegions, person: DrillClient): Promise<void> {
  const read = await eventually(allowedMs(15_000), async () => {
    const told = await searchAsVisitor(second.url, 'Clip')
    return told.readFrom !== null && told.found > 0 ? told : null
  })
  report.promise(
    'a visitor of the second region reads its replica, and the answer says so',
    read !== null,
    read?.readFrom ?? 'it was read from the primary',
  )
  const own = await person.request('GET', `/profiles/${person.handle}`)
  report.promise(
    'who has just signed up there finds their profile: they read the primary',
    own.status === 200 && own.headers.get('upbeat-read-from') === null,
    String(own.status),
  )
}

async function searchAsVisitor(url: string, words: string) {
  const response = await fetch(`${url}/api/v1/search?type=videos&q=${encodeURIComponent(words)}`)
  const { videos = [] } = (await response.json()) as { videos?: unknown[] }
  return {
    status: response.status,
    found: videos.length,
    readFrom: response.headers.get('upbeat-read-from'),
  }
}

async function closeAndReopen(report: Report, regions: TwoRegions): Promise<void> {
  const { second } = regions
  const commandOf = async (...words: string[]) => {
    const beganMs = performance.now()
    const { code, output, errors } = await upbeat(['region', ...words, '--data', second.dataDir])
    report.promise(
      `upbeat region ${words.slice(0, 3).join(' ')}`,
      code === 0,
      code === 0 ? secondsSince(beganMs) : `${output}${errors}`.slice(-300),
    )
  }
  await commandOf('close', 'us', '--reason', REASON)
  const closed = await letIn(second.url)
  report.promise('closed, nobody of the region is let in', closed.size === 0, `${closed.size} of ${NETWORKS}`)
  await looksClosed(report, regions)
  const early = await upbeat(['region', 'open', 'us', '--data', second.dataDir])
  report.promise('opened at once it is refused: 5 % is the next stage', early.code === 1)
  let before = closed
  for (const [percent, least, most] of [
    ['5', 0.02, 0.08],
    ['25', 0.2, 0.3],
    ['100', 1, 1],
  ] as const) {
    await commandOf('ramp', 'us', percent)
    const now = await letIn(second.url)
    const share = now.size / NETWORKS
    report.promise(
      `at ${percent} % so many are let in, among them all who were before`,
      share >= least && share <= most && [...before].every((each) => now.has(each)),
      `${(share * 100).toFixed(1)} % of ${NETWORKS} networks`,
    )
    before = now
  }
  const { incidents } = await readStatus(regions.watchUrl)
  report.promise(
    'in the watch none of it was an incident',
    incidents.length === 0,
    incidents.map(({ title, state }) => `“${title}” ${state}`).join('; '),
  )
}

/** The networks of the region that are served. */
async function letIn(url: string): Promise<Set<number>> {
  const served = new Set<number>()
  for (let network = 0; network < NETWORKS; network++) {
    const response = await fetch(`${url}/api/v1/feed/for-you`, { headers: from(network) })
    await response.arrayBuffer()
    if (response.status === 200) served.add(network)
  }
  return served
}

async function looksClosed(report: Report, { second, watchUrl, first }: TwoRegions): Promise<void> {
  const browser = await openChromium()
  try {
    const page = await browser.newPage({ extraHTTPHeaders: from(7) })
    const answer = await page.goto(`${second.url}/`)
    const words = await page.locator('main').innerText()
    report.promise(
      'a person there gets 451 and a page of its own with the reason',
      answer?.status() === 451 && words.includes(REASON),
      String(answer?.status()),
    )
  } finally {
    await browser.close()
  }
  const elsewhere = await fetch(`${first.url}/api/v1/feed/for-you`, { headers: from(7) })
  await elsewhere.arrayBuffer()
  report.promise('the other region serves on', elsewhere.status === 200)
  const shown = await eventually(allowedMs(SHOWN_WITHIN_MS), () =>
    watchSays(watchUrl, `us: closed in this region: “${REASON}”`),
  )
  report.promise('the watch says that it is closed, and why', shown !== null)
}

async function watchSays(watchUrl: string, words: string): Promise<boolean> {
  return (await textOf(watchUrl)).includes(words)
}

async function textOf(watchUrl: string): Promise<string> {
  const html = await (await fetch(watchUrl)).text()
  return html.replaceAll('&quot;', '"')
}

interface Before {
  readonly person: DrillClient
  readonly videoId: string
}

async function cutTheLink(report: Report, regions: TwoRegions, { person, videoId }: Before): Promise<void> {
  const { first, second, link, primary } = regions
  await primary.query('create table drill_beat (at timestamptz not null)')
  await primary.query('insert into drill_beat values (clock_timestamp())')
  const beats = startRepeating({
    intervalMs: BEAT_MS,
    work: async () => void (await primary.query('update drill_beat set at = clock_timestamp()')),
    onError() {},
  })
  try {
    await eventually(allowedMs(10_000), async () => (await regionOf(second.url))?.state === 'serving')
    await eventually(allowedMs(10_000), async () => {
      const { rowCount } = await regions.replica.query('select from drill_beat')
      return rowCount === 1
    })
    const beganMs = performance.now()
    link.freeze()
    const measuring = measureLag(regions, beganMs)
    await sleep(CUT_MS / 6)
    await livesOnAlone(report, second.url, person)
    await isShown(report, regions)
    // A person of the first region goes on meanwhile; nobody in the second can know.
    const author = await signUp(first.url)
    const kept = await person.request('PUT', `/videos/${videoId}/like`)
    report.promise('what people do there is kept', kept.ok, String(kept.status))
    const worst = await measuring
    report.promise(
      `for ${CUT_MS / 1_000} s the lag that it tells is that of the replica`,
      worst.offS <= LAG_OFF_MAX_S && worst.lagS >= CUT_MS / 1_000 - LAG_OFF_MAX_S,
      `replica ${worst.lagS.toFixed(1)} s behind at the end; told ${worst.offS.toFixed(1)} s off at the worst of ${worst.looks} looks`,
    )
    link.thaw()
    await beats[Symbol.asyncDispose]()
    await comesBack(report, regions, { person: author, videoId })
  } finally {
    await beats[Symbol.asyncDispose]()
  }
}

async function regionOf(url: string): Promise<RegionStatus | undefined> {
  return (await readState(url))?.regions?.find(({ name }) => name === 'us')
}

/** Each second, until the cut is over: what the API tells against what stands in the replica. */
async function measureLag({ second, replica }: TwoRegions, beganMs: number) {
  const worst = { offS: 0, lagS: 0, looks: 0 }
  while (performance.now() - beganMs < CUT_MS) {
    await sleep(1_000)
    const told = await regionOf(second.url)
    const { rows } = await replica.query<{ lag: number }>(
      'select extract(epoch from clock_timestamp() - at)::float8 as lag from drill_beat',
    )
    worst.lagS = rows[0]!.lag
    worst.offS = Math.max(worst.offS, Math.abs((told?.behindS ?? Infinity) - worst.lagS))
    worst.looks++
  }
  return worst
}

async function livesOnAlone(report: Report, url: string, person: DrillClient): Promise<void> {
  const search = await searchAsVisitor(url, 'Clip')
  const behindS = Number(/behind=(\d+)/.exec(search.readFrom ?? '')?.[1] ?? 0)
  report.promise(
    'cut off, search goes on by the replica, and says how far it is behind',
    search.status === 200 && search.found > 0 && behindS > 0,
    `${search.status}, ${search.found} found, ${search.readFrom}`,
  )
  const profile = await person.request('GET', `/profiles/${person.handle}`)
  report.promise('profiles go on, for who is signed in, too', profile.status === 200, String(profile.status))
  const feed = await fetch(`${url}/api/v1/feed/for-you`)
  const { items } = (await feed.json()) as { items: { playback: { masterUrl: string } }[] }
  const playlist = await fetch(new URL(items[0]?.playback.masterUrl ?? '/nothing', url))
  await playlist.arrayBuffer()
  report.promise(
    'videos are listed and play',
    feed.status === 200 && playlist.status === 200,
    `${feed.status}, ${playlist.status}`,
  )
}

async function isShown(report: Report, { second, watchUrl }: TwoRegions): Promise<void> {
  const browser = await openChromium()
  try {
    const page = await browser.newPage({ viewport: PHONE, locale: 'en-GB' })
    await page.goto(`${second.url}/`)
    const banner = page.getByRole('status', { name: 'Your region' })
    const words = await banner.innerText({ timeout: allowedMs(SHOWN_WITHIN_MS) }).catch(() => '')
    const shownS = Number(/(\d+)\s?s/.exec(words)?.[1] ?? Number.NaN)
    const told = (await regionOf(second.url))?.behindS ?? Number.NaN
    report.promise(
      'the app says that the region is catching up, and how far it is behind',
      Math.abs(shownS - told) <= SHOWN_OFF_MAX_S,
      `“${words}” at ${told.toFixed(1)} s`,
    )
  } finally {
    await browser.close()
  }
  const shown = await eventually(allowedMs(SHOWN_WITHIN_MS), () => watchSays(watchUrl, 'us: catching up, '))
  const words = /us: catching up, \d+ s behind/.exec(await textOf(watchUrl))?.[0]
  report.promise('the watch says so, too', shown !== null && words !== undefined, words)
}

async function comesBack(report: Report, regions: TwoRegions, { person, videoId }: Before): Promise<void> {
  const { second, primary } = regions
  const beganMs = performance.now()
  const isServing = await eventually(
    allowedMs(BACK_WITHIN_MS),
    async () => (await regionOf(second.url))?.state === 'serving',
  )
  report.promise('the link is back: the region is served', isServing !== null, secondsSince(beganMs))
  const found = await eventually(allowedMs(BACK_WITHIN_MS), async () => {
    const answer = await fetch(`${second.url}/api/v1/profiles/${person.handle}`)
    await answer.arrayBuffer()
    return answer.status === 200 && answer.headers.has('upbeat-read-from')
  })
  report.promise('what was done elsewhere meanwhile is in its replica', found !== null)
  const isDone = await eventually(allowedMs(BACK_WITHIN_MS), async () => {
    const { rowCount } = await primary.query('select from video_like where video_id = $1', [videoId])
    return rowCount === 1
  })
  report.promise('what was kept is done at the primary', isDone !== null, secondsSince(beganMs))
}
