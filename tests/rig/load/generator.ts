/** Load of four classes, made by a process of its own on the other core. */
import { join } from 'node:path'
import { endChild, nextMessage, OTHER_CORE, startNode } from '../children.ts'
import type { LoadOrder, LoadResult } from './generator-process.ts'

/** By class, what part of the load it is. */
export const MIX = [0.1, 0.3, 0.3, 0.3] as const

export interface Generator extends AsyncDisposable {
  load(order: LoadOrder): Promise<LoadResult>
}

export async function startGenerator(): Promise<Generator> {
  const child = startNode(join(import.meta.dirname, 'generator-process.ts'), OTHER_CORE, {})
  await nextMessage(child)
  return {
    async load(order) {
      child.send(order)
      return (await nextMessage<{ result: LoadResult }>(child)).result
    },
    [Symbol.asyncDispose]: () => endChild(child),
  }
}
