/** Gives an order that takes a while, and shows how it goes until it has ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OperatorOrder } from '../contract/operations.ts'
import { askDesk } from '../platform/supervisor/control.ts'
import type { Arguments } from './arguments.ts'
import { MARKS, userName } from './orders.ts'
import { settingsOf } from './settings.ts'

const LOOK_MS = 250
const AUDIT_LOOKED_AT = 50

/**
 * @param look what a person should read at this moment; null: nothing is known
 * @returns the exit code: 0 when it was done, else 1
 */
export async function followOrder(
  given: Arguments,
  order: OperatorOrder,
  look: (dataDir: string) => Promise<string | null>,
): Promise<number> {
  const { dataDir } = settingsOf(given)
  const startMs = performance.now()
  const { id, outcome } = await askDesk(dataDir, { command: 'order', order, user: userName() })
  let last = outcome
  let shown: string | null = null
  while (last.state === 'begun') {
    await sleep(LOOK_MS)
    const [words, audit] = await Promise.all([
      look(dataDir).catch(() => null),
      askDesk(dataDir, { command: 'audit', limit: AUDIT_LOOKED_AT }).catch(() => []),
    ])
    const isNew = words !== null && withoutCountdown(words) !== withoutCountdown(shown ?? '')
    if (isNew && !given.isJson)
      console.error(`  ${((performance.now() - startMs) / 1_000).toFixed(0).padStart(4)} s  ${words}`)
    shown = words ?? shown
    last = audit.find((entry) => entry.id === id && entry.outcome.state !== 'begun')?.outcome ?? last
  }
  if (given.isJson) console.log(JSON.stringify({ id, outcome: last }))
  else console.log(`${MARKS[last.state]} ${last.detail}`)
  return last.state === 'done' ? 0 : 1
}

/** A line for each second that is left would push away what has happened. */
const withoutCountdown = (words: string): string => words.replaceAll(/\d+ s\b/g, '')
