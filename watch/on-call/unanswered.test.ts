/** What the metrics say of calls that nobody has answered. */
import { expect, test } from 'vitest'
import { registerApi } from '../api/api.routes.ts'
import { postUpdate } from '../incidents/index.ts'
import { createViewCache } from '../pages/view-cache.ts'
import { breakUpload, createWatchWorld, ENTRY, RESPONDER } from '../pages/world.fixtures.ts'
import { openPageLinks, startPaging } from './index.ts'
import { acknowledgePage } from './verbs.ts'

const ON_CALL = `
onCall:
  people: [{ id: ada, name: Ada, email: ada@example.org }]
  escalation: [{ to: [person:ada], waitMinutes: 10 }]
  repeats: 0
`

test('metrics count the calls that nobody has answered, and say how old the oldest is', async () => {
  await using world = await createWatchWorld({
    entries: { upbeat: ENTRY + ON_CALL },
    env: { WATCH_SMTP_URL: 'smtp://127.0.0.1:9' },
  })
  const { ctx, clock } = world
  const links = await openPageLinks(ctx)
  await using paging = startPaging(ctx, links)
  const url = await world.serve((app) => registerApi(app, ctx, createViewCache(ctx)))
  const read = async () => {
    const text = await (await fetch(`${url}/metrics`)).text()
    return text.split('\n').filter((line) => /^upbeat_watch_pages?_unanswered/.test(line))
  }
  const fail = () => breakUpload(world)
  const COUNT = 'upbeat_watch_pages_unanswered{service="upbeat"}'
  const AGE = 'upbeat_watch_page_unanswered_age_seconds{service="upbeat"}'
  // No age is not an age of nothing.
  expect(await read()).toEqual([`${COUNT} 0`])

  const first = await fail()
  await paging.round()
  clock.advance(60_000)
  await fail()
  await paging.round()
  expect(await read()).toEqual([`${COUNT} 2`, `${AGE} 60`])

  // Nobody is called any more, and nobody has answered.
  clock.advance(15 * 60_000)
  await paging.round()
  expect(await read()).toEqual([`${COUNT} 2`, `${AGE} 960`])
  await postUpdate(ctx, {
    actor: RESPONDER,
    incidentId: first.id,
    state: 'resolved',
    body: 'It works again.',
  })
  await paging.round()
  expect(await read()).toEqual([`${COUNT} 1`, `${AGE} 900`])
  const [page] = ctx.pages.listCurrent()
  await acknowledgePage(ctx, links, { actor: RESPONDER, pageId: page!.id })
  expect(await read()).toEqual([`${COUNT} 0`])
})
