/** What was acknowledged, compared with what is there: nothing lost, nothing twice. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Audience } from './audience.ts'
import type { DrillClient } from '../../rig/people/client.ts'
import { tellStory, type Ledger, type PersonAccount } from './ledger.ts'
import { eventually } from '../../rig/eventually.ts'
import type { Report } from '../report.ts'

/** Counts are folded by the second; a busy machine needs some. */
const COUNTS_TIMEOUT_MS = 20_000
const SHOWN = 4

interface Findings {
  /** Acknowledged, and not there. */
  readonly lost: string[]
  /** There more than once, or though it was taken back. */
  readonly wrong: string[]
}

/**
 * Compares, at full service. A person's own program first repeats the comments that got no answer, as the web app does.
 *
 * @param databaseUrl for what no answer tells: how long a showing was
 */
export async function promiseKept(
  report: Report,
  found: {
    readonly ledger: Ledger
    readonly audience: Audience
    readonly databaseUrl: string
    /** Over how many hours by its clock they watched: a view counts once in each. @default 2 */
    readonly hours?: number
  },
  when = '',
): Promise<void> {
  const { ledger, audience, databaseUrl, hours = 2 } = found
  const findings: Findings = { lost: [], wrong: [] }
  for (const account of ledger.accounts) {
    await repeatUnanswered(account)
    await compareMarks(account, ledger, findings)
    await compareComments(account, audience, findings)
  }
  await compareViews(ledger, databaseUrl, findings)
  await compareCounts(ledger, audience, { hours, findings })
  const acknowledged = ledger.acts.filter(({ status }) => status >= 200 && status < 300).length
  const suffix = when === '' ? '' : `: ${when}`
  report.promise(
    `of what was acknowledged nothing is lost${suffix}`,
    findings.lost.length === 0,
    `${acknowledged} of ${ledger.acts.length} acts were acknowledged${listed(findings.lost)}`,
  )
  report.promise(
    `each is there exactly once, and counted once${suffix}`,
    findings.wrong.length === 0,
    `${audience.people.length} people${listed(findings.wrong)}`,
  )
}

function listed(findings: readonly string[]): string {
  if (findings.length === 0) return ''
  const more = findings.length > SHOWN ? ` and ${findings.length - SHOWN} more` : ''
  return `; ${findings.slice(0, SHOWN).join('; ')}${more}`
}

async function repeatUnanswered({ person, comments }: PersonAccount): Promise<void> {
  for (const [body, entry] of comments) {
    if (entry.isAcknowledged) continue
    const done = await eventually(30_000, async () => {
      const response = await person.request('POST', `/videos/${entry.videoId}/comments`, {
        headers: { 'content-type': 'application/json', 'idempotency-key': entry.key },
        body: JSON.stringify({ body }),
      })
      await response.arrayBuffer()
      if (!response.ok) await sleep(1_000)
      return response.ok
    })
    entry.isAcknowledged = done !== null
  }
}

async function compareMarks(
  { person, marks }: PersonAccount,
  { acts }: Ledger,
  findings: Findings,
): Promise<void> {
  for (const [path, possible] of marks) {
    const isThere = await readMark(person, path)
    if (possible.has(isThere)) continue
    const story = tellStory(acts, person.handle, path)
    if (isThere) findings.wrong.push(`${person.handle} took ${path} back, and it is there (${story})`)
    else findings.lost.push(`${path} of ${person.handle} (${story})`)
  }
}

/** `/videos/ID/like`, `/videos/ID/save`, `/profiles/HANDLE/follow`: what the person sees of it. */
async function readMark(person: DrillClient, path: string): Promise<boolean> {
  const [, what, id, kind] = path.split('/')
  const { viewer } = await person.persist<{ viewer: Readonly<Record<string, boolean>> }>(
    'GET',
    `/${what}/${id}`,
  )
  return viewer[{ like: 'isLiked', save: 'isSaved', follow: 'isFollowing' }[kind!]!]!
}

async function compareComments(
  { person, comments }: PersonAccount,
  audience: Audience,
  findings: Findings,
): Promise<void> {
  const counts = new Map<string, number>()
  for (const videoId of audience.videoIds)
    for (const body of await listComments(person, videoId)) counts.set(body, (counts.get(body) ?? 0) + 1)
  for (const [body, { isAcknowledged }] of comments) {
    const count = counts.get(body) ?? 0
    if (isAcknowledged && count === 0) findings.lost.push(body)
    if (count > 1) findings.wrong.push(`${body} is there ${count} times`)
  }
}

async function listComments(person: DrillClient, videoId: string): Promise<string[]> {
  const bodies: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: { items: { body: string }[]; nextCursor: string | null } = await person.persist(
      'GET',
      `/videos/${videoId}/comments?limit=50${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    bodies.push(...page.items.map(({ body }) => body))
    cursor = page.nextCursor
  }
  return bodies
}

/** A showing's last digit tells whose it is. */
async function compareViews(ledger: Ledger, databaseUrl: string, findings: Findings): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const [index, { person, views }] of ledger.accounts.entries())
      for (const [videoId, { acknowledgedMs, sentMs }] of views) {
        const longest = await readLongest(client, videoId, index)
        const words = `a showing of ${acknowledgedMs} ms to ${person.handle} (${longest} ms are there)`
        if (longest < acknowledgedMs) {
          const came = await eventually(
            10_000,
            async () => (await readLongest(client, videoId, index)) >= acknowledgedMs,
          )
          findings.lost.push(came ? `${words}, it came late` : words)
        }
        if (longest > sentMs)
          findings.wrong.push(`${person.handle} watched ${longest} ms, and sent ${sentMs}`)
      }
  } finally {
    await client.end()
  }
}

async function readLongest(client: pg.Client, videoId: string, index: number): Promise<number> {
  const { rows } = await client.query<{ longest: number | null }>(
    'select max(watched_ms)::int as longest from video_view where video_id = $1 and watched_ms % 10 = $2',
    [videoId, index],
  )
  return rows[0]!.longest ?? 0
}

/** Likes are counted as often as they are there, and each person's views of a video once an hour. */
async function compareCounts(
  ledger: Ledger,
  audience: Audience,
  { hours, findings }: { readonly hours: number; readonly findings: Findings },
): Promise<void> {
  for (const videoId of audience.videoIds) {
    const viewers = ledger.accounts.filter(
      ({ views }) => (views.get(videoId)?.acknowledgedMs ?? 0) > 0,
    ).length
    let seen = ''
    const fits = await eventually(COUNTS_TIMEOUT_MS, async () => {
      const { counts } = await audience.author.persist<{ counts: { likes: number; views: number } }>(
        'GET',
        `/videos/${videoId}`,
      )
      const likes = await countLikes(ledger, videoId)
      seen = `${counts.likes} likes counted of ${likes}, ${counts.views} views of ${viewers} people`
      const viewsMax = hours * ledger.accounts.length
      return counts.likes === likes && counts.views >= viewers && counts.views <= viewsMax
    })
    if (fits === null) findings.wrong.push(seen)
  }
}

async function countLikes({ accounts }: Ledger, videoId: string): Promise<number> {
  const path = `/videos/${videoId}/like`
  const touched = accounts.filter(({ marks }) => marks.has(path))
  const liked = await Promise.all(touched.map(({ person }) => readMark(person, path)))
  return liked.filter(Boolean).length
}
