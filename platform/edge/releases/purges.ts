/** Purges hold: what was purged once is never given again, also when the document that asked for it is taken back. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncFolder, writeWhole } from '../../../kit/files/durable-file.ts'

const Kept = z.object({
  /** `purged` of the document that was in force last. */
  last: z.int().min(0),
  key: z.string().regex(/^[\w-]{1,40}$/),
  /** It was asked for, and is not done. */
  isPending: z.boolean(),
})

export interface Purges {
  /** Stands in the key of each page that is kept; another one after each purge. */
  readonly key: string
  /**
   * Takes what a document says, before it is in force. True: everything that is kept has to go, for it says more than the one
   * before, or what that one asked for was never done. On the disk when it settles.
   */
  take(purged: number): Promise<boolean>
  /** Everything that was kept has gone. */
  noteDone(): Promise<void>
}

/** Opens what lies in the folder. Where that can not be read, nothing that is kept can be told from what was purged. */
export async function openPurges(dir: string): Promise<Purges> {
  const path = join(dir, 'purges.json')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  const isNew = text === null
  let kept = isNew ? null : parse(text)

  async function keep(next: z.infer<typeof Kept>): Promise<void> {
    await writeWhole(path, JSON.stringify(next))
    await syncFolder(dir)
    kept = next
  }
  return {
    get key() {
      return kept?.key ?? 'none'
    },
    async take(purged) {
      const before = kept
      const isPurge = before === null ? !isNew : purged > before.last
      if (!isPurge && purged === before?.last) return before.isPending
      const key = isPurge ? `${purged}-${randomUUID().slice(0, 8)}` : (before?.key ?? String(purged))
      const isPending = isPurge || (before?.isPending ?? false)
      await keep({ last: purged, key, isPending })
      return isPending
    },
    async noteDone() {
      if (kept?.isPending) await keep({ ...kept, isPending: false })
    },
  }
}

function parse(text: string): z.infer<typeof Kept> | null {
  try {
    return Kept.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
