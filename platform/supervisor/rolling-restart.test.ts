import { Agent, request } from 'node:http'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { eventually } from '../../tests/support/eventually.ts'
import { startProduct } from '../../tests/support/product.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { askDesk } from './control.ts'

const ADDRESSES = ['/healthz', '/api/v1/profiles/nobody', '/api/v1/instance', '/api/v1/uploads/limits']

/** Clients that keep their connections, each sending one request after the other until told to stop. */
function startClients(url: string, count: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: count })
  const answers: Record<string, number> = {}
  const note = (what: string) => (answers[what] = (answers[what] ?? 0) + 1)
  let isStopping = false
  async function send(path: string): Promise<void> {
    const sent = request(`${url}${path}`, { agent })
    const [response] = (await once(sent.end(), 'response')) as [
      NodeJS.ReadableStream & { statusCode: number },
    ]
    response.resume()
    await once(response, 'end')
    note(String(response.statusCode))
  }
  const clients = Array.from({ length: count }, async (_, index) => {
    for (let turn = index; !isStopping; turn++) {
      await send(ADDRESSES[turn % ADDRESSES.length]!).catch((error: unknown) =>
        note((error as Error).message),
      )
      // Some hold their connection idle for a while, as people do.
      await sleep(index % 4 === 0 ? 150 : 5)
    }
  })
  return {
    answers,
    async stop() {
      isStopping = true
      await Promise.all(clients)
      agent.destroy()
    },
  }
}

test('each role is restarted under load, and no request fails', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path })
  const before = await product.settled()
  const clients = startClients(product.url, 12)
  const restart = () =>
    askDesk(dir.path, { command: 'order', user: 'test', order: { type: 'restart-role', role: 'all' } })

  const begun = await restart()
  expect(begun.outcome.state).toBe('begun')
  expect((await restart()).outcome.state).toMatch(/failed|refused/)
  const ended = await eventually(
    async () =>
      (await askDesk(dir.path, { command: 'audit', limit: 50 })).find(
        ({ id, outcome }) => id === begun.id && outcome.state !== 'begun',
      ),
    Boolean,
  )
  await sleep(500)
  await clients.stop()

  expect(ended!.outcome).toEqual({ state: 'done', detail: 'api, ingest, worker runs in a new process.' })
  const after = await product.settled()
  for (const { role, pid } of before.roles)
    expect(after.roles.find((it) => it.role === role)!.pid).not.toBe(pid)
  expect(after.roles.map(({ restartCount }) => restartCount)).toEqual([0, 0, 0])
  // 401: the limits of uploads are for those who are signed in, which the ingest says. 404: nobody has this handle. What a
  // new process held back would be 503.
  expect(Object.keys(clients.answers).toSorted()).toEqual(['200', '401', '404'])
})
