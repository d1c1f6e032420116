/** What lies on disk of an edge's releases: the last good document, and which inputs are never tried again. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncFolder, writeWhole } from '../../../kit/files/durable-file.ts'
import { hashInput } from './read-document.ts'

const Quarantined = z.object({
  hash: z.string(),
  reason: z.string(),
  at: z.iso.datetime(),
  /** People met it. */
  wasInForce: z.boolean().default(false),
})
export type Quarantined = z.infer<typeof Quarantined>

const QUARANTINE_MAX = 100

export interface LastGood {
  /** The input that was last in force without harm; null: there was none. */
  read(): Promise<string | null>
  keep(text: string): Promise<void>
  /** Of that input; null: there is none. */
  readonly hash: string | null
  isQuarantined(hash: string): boolean
  quarantine(one: Omit<Quarantined, 'at'>, at: Date): Promise<void>
  /** The latest first. */
  list(): readonly Quarantined[]
}

/** Opens the folder; a damaged list of quarantine is begun anew rather than keeping the edge from starting. */
export async function openLastGood(dir: string): Promise<LastGood> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const goodPath = join(dir, 'last-good.json')
  const quarantinePath = join(dir, 'quarantine.json')
  let quarantined: Quarantined[] = await readFile(quarantinePath, 'utf8')
    .then((text) => z.array(Quarantined).parse(JSON.parse(text)))
    .catch(() => [])
  const read = () => readFile(goodPath, 'utf8').catch(() => null)
  const first = await read()
  let hash = first === null ? null : hashInput(first)
  return {
    read,
    get hash() {
      return hash
    },
    async keep(text) {
      await writeWhole(goodPath, text)
      await syncFolder(dir)
      hash = hashInput(text)
    },
    isQuarantined: (hash) => quarantined.some((each) => each.hash === hash),
    async quarantine({ hash, reason, wasInForce }, at) {
      const others = quarantined.filter((each) => each.hash !== hash)
      const newest = { hash, reason: reason.slice(0, 500), at: at.toISOString(), wasInForce }
      quarantined = [newest, ...others].slice(0, QUARANTINE_MAX)
      await writeWhole(quarantinePath, JSON.stringify(quarantined))
    },
    list: () => quarantined,
  }
}
