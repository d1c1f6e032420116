/**
 * `upbeat judge serve [--port N]` answers over HTTP; `upbeat judge --canary URL --baseline URL [--for 5m]` looks at two addresses
 * of metrics and ends with 0: promote, 1: take it back, 3: not certain in that time.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { openJudgements } from '../platform/judge/judgements.ts'
import { createJudgeServer } from '../platform/judge/server.ts'
import { UsageError, type Arguments, type Command } from './arguments.ts'
import { readDuration } from './times.ts'

const PORT = 8095
const NOT_CERTAIN = 3
const LOOK_MS = 250

export const judge: Command = async (given) => {
  const [word, ...more] = given.operands
  if (more.length > 0 || (word !== undefined && word !== 'serve'))
    throw new UsageError('judge serve, or judge --canary URL --baseline URL')
  return word === 'serve' ? serve(given) : judgeTwo(given)
}

async function serve({ port }: Arguments): Promise<number> {
  const number = Number(port ?? PORT)
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw new UsageError('--port takes a whole number from 0 to 65535.')
  const server = createJudgeServer()
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  console.log(`The judge answers at ${await server.listen({ host: '127.0.0.1', port: number })}`)
  await stopped
  await server.close()
  return 0
}

async function judgeTwo(given: Arguments): Promise<number> {
  const { canary, baseline } = given
  if (canary === undefined || baseline === undefined)
    throw new UsageError('Which two? --canary URL --baseline URL, each of metrics in Prometheus’ text format')
  const endsAtMs = performance.now() + readDuration(given.for ?? '10m', '--for') * 1_000
  using judgements = openJudgements()
  const running = judgements.begin({ metrics: { canary, baseline } })
  let shown = ''
  while (performance.now() < endsAtMs) {
    await sleep(LOOK_MS)
    const { last } = running
    if (!last) continue
    const words = `${last.stage}: ${last.reason}`
    if (words !== shown && !given.isJson) console.error(`  ${words}`)
    shown = words
    if (last.verdict !== 'promote' && last.verdict !== 'back') continue
    console.log(given.isJson ? JSON.stringify(last) : `${last.verdict}: ${last.reason}`)
    return last.verdict === 'promote' ? 0 : 1
  }
  console.log(given.isJson ? JSON.stringify(running.last) : `Not certain: ${shown}`)
  return NOT_CERTAIN
}
