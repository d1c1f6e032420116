/** The origin fails, then takes connections and says nothing: an edge before it serves on what it has, and says so. */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadSecrets } from '../../../platform/app/secrets.ts'
import { join } from 'node:path'
import { eventually } from '../../rig/eventually.ts'
import { shareServed, startWatching } from '../../rig/people/watching.ts'
import { edgeDocument, startEdge } from '../../support/edge-process.ts'
import { openFaultyOrigin, type FaultyOrigin } from '../../support/faulty-origin.ts'
import { startProduct } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather } from '../observing/audience.ts'
import { percent, secondsSince, type Report } from '../report.ts'

/** Each way of being away. Ten minutes are as this, ten times: nothing that is kept ends sooner. */
const AWAY_MS = 60_000
const RATE_PER_S = 40
const SERVED_MIN = 0.99
const BACK_MS = 10_000

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({
    dataDir: join(dir.path, 'product'),
    env: { UPLOAD_RESERVE_BYTES: '0' },
  })
  const audience = await gather(product, { people: 1, videos: 3 })
  const { media: mediaKey } = await loadSecrets(join(product.dataDir, 'secrets.json'))
  await using origin = await openFaultyOrigin({ behind: product.url })
  await using edge = await startEdge({
    ...{ dir: dir.path, mediaKey },
    document: edgeDocument({ origins: [{ name: 'home', url: origin.url }] }),
  })
  const asked = [...audience.media, { path: '/api/v1/feed/for-you' }, { path: '/' }, ...audience.feeds]
  // Who is known gets everyone's feed while nobody can make his own: that is one more thing that is kept.
  for (const { path, headers } of asked) await fetch(edge.url + path, { headers: { ...headers } })
  await sleep(3_000)

  for (const [what, fault] of [
    ['failing', 'fails'],
    ['a black hole', 'hangs'],
  ] as const) {
    const players = startWatching({
      port: edge.port,
      ratePerS: RATE_PER_S,
      seconds: AWAY_MS / 1_000 + 5,
      asked,
    })
    origin.be(fault)
    const [beganMs, beganAt] = [Date.now(), performance.now()]
    const told = await eventually(15_000, async () => (await edge.status()).state === 'origin-away')
    report.promise(`${what}: the edge says that its origin is away`, told === true, secondsSince(beganAt))
    const marked = await fetch(`${edge.url}/api/v1/feed/for-you`)
    report.promise(
      `${what}: what is old is marked so`,
      marked.headers.get('cache-status')?.includes('ttl=-1') ?? false,
      marked.headers.get('cache-status') ?? 'no cache-status',
    )
    await sleep(AWAY_MS - (performance.now() - beganAt))
    const share = shareServed(players.outcomes, beganMs, Date.now() - 5_000)
    report.promise(
      `${what}: at least ${SERVED_MIN * 100} % of what is kept is served`,
      (share ?? 0) >= SERVED_MIN,
      percent(share),
    )
    judgeProbes(report, what, origin, beganAt)
    origin.be('none')
    const backMs = performance.now()
    const back = await eventually(BACK_MS, async () => {
      const fresh = await fetch(`${edge.url}/api/v1/me`)
      return fresh.ok && (await edge.status()).state === 'serving'
    })
    report.promise(`${what}: it is back by itself`, back === true, secondsSince(backMs))
    players.stop()
    await sleep(3_000)
  }
}

/** How often the origin was asked for one and the same, at most, in any second: of what the edge keeps. */
function judgeProbes(report: Report, what: string, origin: FaultyOrigin, fromMs: number): void {
  const seconds = (performance.now() - fromMs) / 1_000
  const byPath = new Map<string, number>()
  for (const { path, atMs, via } of origin.asked)
    if (atMs >= fromMs && via !== '' && !path.startsWith('/api/v1/state') && path !== '/api/v1/edges/changes')
      byPath.set(path, (byPath.get(path) ?? 0) + 1)
  const [path, count] = [...byPath].sort((a, b) => b[1] - a[1])[0] ?? ['nothing', 0]
  const rate = count / seconds
  // A first try and its one repeat are one probe.
  report.promise(
    `${what}: the origin is asked for one key at most once a second`,
    rate <= 1,
    `${rate.toFixed(2)}/s for ${path.replace(/\?.*/, '?…')}`,
  )
}
