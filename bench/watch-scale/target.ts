/** The server that both are set upon, and the monitors that they run. */
import { join } from 'node:path'
import { endChild, nextMessage, OTHER_CORE, startNode } from '../../tests/rig/children.ts'
import type { Arrivals, TargetOrder } from './target-process.ts'

export const MONITORS = 10_000
export const EVERY_S = 20
export const TIMEOUT_S = 10
/** Every tenth target takes the connection and never answers. */
const HANGING_ONE_IN = 10

export interface Target extends AsyncDisposable {
  readonly port: number
  /** Forgets what has come so far. */
  begin(): Promise<void>
  /** What has come since it was begun. */
  judge(): Promise<Arrivals>
}

export async function startTarget(): Promise<Target> {
  const child = startNode(join(import.meta.dirname, 'target-process.ts'), OTHER_CORE, {})
  const { port } = await nextMessage<{ port: number }>(child)
  const say = (order: TargetOrder) => child.send(order)
  return {
    port,
    async begin() {
      say({ type: 'begin' })
      await nextMessage(child)
    },
    async judge() {
      say({ type: 'judge', everyMs: EVERY_S * 1_000, count: MONITORS })
      return (await nextMessage<{ arrivals: Arrivals }>(child)).arrivals
    },
    [Symbol.asyncDispose]: () => endChild(child),
  }
}

/** The address of monitor n. */
export const urlOf = (port: number, n: number): string =>
  `http://127.0.0.1:${port}/${n % HANGING_ONE_IN === 0 ? 'hang' : 'ok'}/${n}`
