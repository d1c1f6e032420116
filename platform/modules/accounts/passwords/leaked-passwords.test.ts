import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openApi } from '../../../../tests/support/api.ts'
import { makeTemporaryDir } from '../../../../tests/support/temporary-dir.ts'
import { createWorld } from '../../../../tests/support/world.ts'
import { createBreachRange } from './breach-range.ts'
import { accountRoutes } from '../index.ts'
import { FALSE_POSITIVE_RATE, importPasswords, openPasswordFilter } from './password-filter.ts'

const sha1 = (password: string) => createHash('sha1').update(password).digest()
const silent = { warn: () => {}, info: () => {} } as never

/** The far service, as its API describes it: suffixes with counts, some of them padding with a count of 0. */
async function openRangeService(leaked: readonly string[], status = 200) {
  const asked: string[] = []
  const service = { status }
  const server = createServer((request, response) => {
    const prefix = request.url!.slice('/range/'.length)
    asked.push(prefix)
    const suffixes = leaked
      .map((password) => sha1(password).toString('hex').toUpperCase())
      .filter((hex) => hex.startsWith(prefix))
      .map((hex) => `${hex.slice(5)}:37`)
    const padding = sha1('only padding').toString('hex').toUpperCase().slice(5)
    response.writeHead(service.status).end([...suffixes, `${padding}:0`].join('\r\n'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(service, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`,
    asked,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  })
}

test('a service is asked by five digits of the hash, and finds what leaked among what comes back', async () => {
  await using service = await openRangeService(['a ship of many words'])
  const range = createBreachRange({ url: service.url, log: silent })
  expect(await range.has(sha1('a ship of many words'))).toBe(true)
  expect(await range.has(sha1('nobody has ever used this'))).toBe(false)
  expect(await range.has(sha1('only padding'))).toBe(false)
  expect(service.asked[0]).toBe(sha1('a ship of many words').toString('hex').toUpperCase().slice(0, 5))
})

test('a service that fails says nothing, and is left alone for a minute', async () => {
  await using service = await openRangeService([], 503)
  let nowMs = 0
  const range = createBreachRange({ url: service.url, log: silent, nowMs: () => nowMs })
  expect([await range.has(sha1('x')), await range.has(sha1('x'))]).toEqual([null, null])
  nowMs = 59_999
  expect(await range.has(sha1('x'))).toBeNull()
  expect(service.asked).toHaveLength(1)
  nowMs = 60_000
  await range.has(sha1('x'))
  expect(service.asked).toHaveLength(2)
})

test('a service that stays away is warned of once, until it has answered', async () => {
  const told: string[] = []
  const log = { warn: () => void told.push('warn'), info: () => void told.push('info') } as never
  await using service = await openRangeService(['x'], 503)
  let nowMs = 0
  const range = createBreachRange({ url: service.url, log, nowMs: () => nowMs })
  for (const status of [503, 503, 200, 503]) {
    service.status = status
    await range.has(sha1('x'))
    nowMs += 60_000
  }
  expect(told).toEqual(['warn', 'info', 'info', 'warn'])
})

test('a filter finds all that is in its list, and little that is not', async () => {
  await using dir = await makeTemporaryDir()
  const [from, to] = [join(dir.path, 'list.txt'), join(dir.path, 'filter')]
  const listed = Array.from({ length: 20_000 }, (_, n) => `leaked ${n}`)
  const lines = listed.map((password) => `${sha1(password).toString('hex').toUpperCase()}:3`)
  await writeFile(from, [...lines, 'no hash at all'].join('\n'))
  expect(await importPasswords({ from, to, hash: sha1, isPlain: false })).toMatchObject({
    entries: 20_000,
    skippedLines: 1,
  })
  const filter = openPasswordFilter(to, silent)
  const found = async (passwords: readonly string[]) => {
    let count = 0
    for (const password of passwords) if (await filter.mayHave(sha1(password))) count++
    return count
  }
  expect(await found(listed.slice(0, 2_000))).toBe(2_000)
  const others = Array.from({ length: 10_000 }, (_, n) => `other ${n}`)
  expect((await found(others)) / others.length).toBeLessThanOrEqual(FALSE_POSITIVE_RATE)
})

test('a damaged filter keeps nobody out, and an empty list makes none', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'filter')
  await writeFile(path, 'not a filter')
  expect(await openPasswordFilter(path, silent).mayHave(sha1('x'))).toBe(false)
  await writeFile(join(dir.path, 'list'), 'nothing\n')
  const attempt = importPasswords({ from: join(dir.path, 'list'), to: path, hash: sha1, isPlain: false })
  await expect(attempt).rejects.toThrow('No line')
})

test('signing up refuses what leaked, by the service and by the filter, and takes all else without them', async () => {
  await using service = await openRangeService(['a ship of many words'])
  await using world = await createWorld({ env: { PASSWORD_RANGE_URL: service.url } })
  await using api = await openApi(world, accountRoutes)
  let count = 0
  const signUp = async (password: string) =>
    (await api.call('POST', '/accounts', null, { payload: { handle: `someone${count++}`, password } })).json()
  expect(await signUp('a ship of many words')).toMatchObject({ fields: { password: expect.any(String) } })
  const list = join(world.config.dataDir, 'list.plain.txt')
  await writeFile(list, 'another ship of words\n')
  await importPasswords({ from: list, to: world.config.paths.breachedPasswords, hash: sha1, isPlain: true })
  expect(await signUp('another ship of words')).toMatchObject({ code: 'invalid-input' })
  expect(await signUp('a third ship of words')).toMatchObject({ role: 'member' })
})
