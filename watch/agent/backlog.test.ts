import { expect, test } from 'vitest'
import { createFakeClock } from '../../kit/clock.ts'
import { createBacklog, KEPT_MS, MAX_KEPT, PER_MESSAGE, type AgentResult } from './backlog.ts'

const seenAt = (atMs: number, monitorId = 'page'): AgentResult => ({
  serviceId: 'shop',
  monitorId,
  atMs,
  outcome: 'ok',
  failure: null,
  detail: '',
  durationMs: 1,
  phases: {},
})

test('what could not be told stays, and is told first the next time', async () => {
  const clock = createFakeClock()
  const backlog = createBacklog(clock)
  const nowMs = clock.now().getTime()
  for (let n = 0; n <= PER_MESSAGE; n++) backlog.add(seenAt(nowMs, `m${n}`))
  const told: string[][] = []
  let isAway = false
  const tell = async (part: readonly AgentResult[]) => {
    if (isAway) throw new Error('It is away.')
    told.push(part.map(({ monitorId }) => monitorId))
    isAway = true
  }

  await expect(backlog.tellAll(tell)).rejects.toThrow('It is away.')
  expect([told[0]!.length, backlog.size]).toEqual([PER_MESSAGE, 1])
  isAway = false
  await backlog.tellAll(tell)

  expect([told[1], backlog.size]).toEqual([[`m${PER_MESSAGE}`], 0])
})

test('what is too old to tell the watch anything is not told, nor the oldest of too many', async () => {
  const clock = createFakeClock()
  const backlog = createBacklog(clock)
  const nowMs = clock.now().getTime()
  const tellAll = async () => {
    const told: string[] = []
    await backlog.tellAll(async (part) => told.push(...part.map(({ monitorId }) => monitorId)))
    return told
  }
  backlog.add(seenAt(nowMs - KEPT_MS - 1, 'old'))
  backlog.add(seenAt(nowMs - KEPT_MS, 'just in time'))
  expect(await tellAll()).toEqual(['just in time'])

  for (let n = 0; n <= MAX_KEPT; n++) backlog.add(seenAt(nowMs, `m${n}`))
  const told = await tellAll()
  expect([told.length, told[0]]).toEqual([MAX_KEPT, 'm1'])
})
