/** The server of the benchmarks on admission, and what is asked of it. */
import { join } from 'node:path'
import { CLASSES } from '../../platform/app/priority-classes.ts'
import { endChild, MEASURED_CORE, nextMessage, startNode } from '../../tests/rig/children.ts'
import { MIX } from '../../tests/rig/load/generator.ts'
import type { LoadOrder, LoadResult } from '../../tests/rig/load/generator-process.ts'
import type { Bottleneck, Protection, ServerStatus } from './server-process.ts'
import { SERVICE_MS } from './service-times.ts'

export interface LoadedServer extends AsyncDisposable {
  readonly port: number
  status(): Promise<ServerStatus>
}

export async function startServer(protection: Protection, bottleneck: Bottleneck): Promise<LoadedServer> {
  const child = startNode(join(import.meta.dirname, 'server-process.ts'), MEASURED_CORE, {
    PROTECTION: protection,
    BOTTLENECK: bottleneck,
  })
  const { port } = await nextMessage<{ port: number }>(child)
  return {
    port,
    async status() {
      child.send({})
      return (await nextMessage<{ status: ServerStatus }>(child)).status
    },
    [Symbol.asyncDispose]: () => endChild(child),
  }
}

export const DEADLINE_MS = 500

/** By class, the requests of a few hundred persons. */
export const REQUESTS: readonly (readonly string[])[] = CLASSES.map((level) =>
  Array.from(
    { length: 500 },
    (_, person) => `GET /p${level} HTTP/1.1\r\nhost: localhost\r\nx-person: ${person}\r\n\r\n`,
  ),
)

/** Asks as fast as so many connections can, one request each at a time. */
export const flatOut = (port: number, durationMs: number, connections: number): LoadOrder => ({
  port,
  durationMs,
  connections,
  mix: MIX,
  requests: REQUESTS,
  ratePerS: null,
  deadlineMs: 60_000,
  skipMs: 500,
})

/**
 * What was answered in time, each class weighed by what it takes at the bottleneck and the mix as a whole by 1: with the same
 * work fewer requests can be served when those of the higher classes are the costlier ones, and more when they are cheaper.
 */
export function workPerS({ byClass, countedMs }: LoadResult, bottleneck: 'pool' | 'cpu'): number {
  const serviceMs = SERVICE_MS[bottleneck]
  const meanMs = serviceMs.reduce((sum, each, level) => sum + each * MIX[level]!, 0)
  const doneMs = byClass.reduce((sum, { good }, level) => sum + good * serviceMs[level]!, 0)
  return (doneMs / meanMs / countedMs) * 1_000
}

/** Whether a short run is asked for, to see that it works: its figures prove nothing. */
export const isQuick = process.argv.includes('--quick')
