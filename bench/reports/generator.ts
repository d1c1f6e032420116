/** The generator's process, from this side of its channel. */
import { join } from 'node:path'
import { endChild, nextMessage, OTHER_CORE, startNode } from '../../tests/rig/children.ts'
import type { GeneratorOrder, LoadOrder, LoadResult } from './generator-process.ts'

export interface Generator extends AsyncDisposable {
  load(order: Omit<LoadOrder, 'type'>): Promise<LoadResult>
  /** Writes who was told that they count; see GeneratorOrder. */
  writeTaken(file: string): Promise<void>
  /** Of the last `count` people who were told that they count, how many are not known any more. */
  repeat(input: { readonly port: number; readonly path: string; readonly count: number }): Promise<number>
}

export function startGenerator(): Generator {
  const child = startNode(join(import.meta.dirname, 'generator-process.ts'), OTHER_CORE, {})
  const ask = async <T>(order: GeneratorOrder): Promise<T> => {
    child.send(order)
    return nextMessage<T>(child)
  }
  return {
    load: async (order) => (await ask<{ result: LoadResult }>({ type: 'load', ...order })).result,
    writeTaken: async (file) => void (await ask({ type: 'write-taken', file })),
    repeat: async (input) => (await ask<{ again: number }>({ type: 'repeat', ...input })).again,
    [Symbol.asyncDispose]: () => endChild(child),
  }
}
