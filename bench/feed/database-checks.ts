/** Pages held against the database before anything is measured: shape, rules, viewer states, no repeats over pages. */
import pg from 'pg'
import type { FeedPage } from '../../contract/videos.ts'
import { sessionCookieValue } from '../../platform/modules/accounts/index.ts'
import { HttpConnection } from '../../tests/rig/load/http-connection.ts'
import type { Api } from './machine.ts'
import { parsePage } from './page-checks.ts'
import { accountIdOf, sessionTokenOf } from './seed.ts'

const ACCOUNTS = 100
const PAGES_EACH = 3
const LONG_WALK_PAGES = 40

export interface DatabaseChecks {
  readonly pages: number
  readonly distinct: number
  readonly broken: string[]
  /** A page as an object, for the rival. */
  readonly page: FeedPage
}

export async function checkAgainstDatabase(url: string, api: Api): Promise<DatabaseChecks> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const connection = await HttpConnection.open(api.port)
  try {
    const broken: string[] = []
    const orders = new Set<string>()
    let pages = 0
    let sample: FeedPage | null = null
    for (let n = 0; n < ACCOUNTS; n++) {
      const account = 1 + n * 97
      const walked = await walk(connection, api, account, n === 0 ? LONG_WALK_PAGES : PAGES_EACH)
      for (const page of walked) {
        pages += 1
        orders.add(page.items.map(({ id }) => id).join())
        broken.push(...(await checkStates(client, accountIdOf(account), page)))
      }
      const ids = walked.flatMap(({ items }) => items.map(({ id }) => id))
      if (new Set(ids).size !== ids.length) broken.push(`account ${account} met a video twice`)
      sample = walked.find(({ items }) => items.length === 20) ?? sample
    }
    if (!sample) throw new Error('no page of 20 videos was served')
    return { pages, distinct: orders.size, broken, page: sample }
  } finally {
    connection.close()
    await client.end()
  }
}

async function walk(
  connection: HttpConnection,
  api: Api,
  account: number,
  count: number,
): Promise<FeedPage[]> {
  const cookie = sessionCookieValue(sessionTokenOf(account), api.sessionSecret)
  const pages: FeedPage[] = []
  let query = ''
  for (let n = 0; n < count; n++) {
    const { status, body } = await connection.request('GET', `/api/v1/feed/for-you${query}`, cookie)
    if (status !== 200) throw new Error(`a page was answered with ${status}: ${body.toString()}`)
    const page = parsePage(body)
    pages.push(page)
    if (page.nextCursor === null) break
    query = `?cursor=${page.nextCursor}`
  }
  return pages
}

/** The same questions as the feed's one query, asked the plain way. */
async function checkStates(client: pg.Client, viewerId: string, page: FeedPage): Promise<string[]> {
  const { rows } = await client.query<{ id: string; state: string }>(
    `select v.id, concat_ws(' ',
       v.visibility = 'public' and v.deleted_at is null and v.published_at is not null and not exists (select from block
         where (blocker_id, blocked_id) in (($1::uuid, v.account_id), (v.account_id, $1::uuid))),
       exists (select from video_like l where l.account_id = $1 and l.video_id = v.id),
       exists (select from video_save s where s.account_id = $1 and s.video_id = v.id),
       exists (select from follow f where f.follower_id = $1 and f.followee_id = v.account_id)) as state
     from video v where v.id = any($2::uuid[])`,
    [viewerId, page.items.map(({ id }) => id)],
  )
  const stateOf = new Map(rows.map(({ id, state }) => [id, state]))
  return page.items.flatMap((card) => {
    const told = card.viewer
    const state = ['t', told?.isLiked, told?.isSaved, told?.isFollowingAuthor]
      .map((is) => (is ? 't' : 'f'))
      .join(' ')
    return stateOf.get(card.id) === state ? [] : [`${card.id} told ${state}, is ${stateOf.get(card.id)}`]
  })
}
