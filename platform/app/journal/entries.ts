/** An entry of the journal, and how it is written down. */
import { z } from 'zod'
import { Id, Instant } from '../../../contract/common.ts'

export interface NewEntry {
  /** The name of what is to be done. */
  readonly act: string
  /** Whose it is: entries of one are done in the order in which they were kept. */
  readonly actor: string
  /** What it sets: of two entries that set the same, the later stands. Null: each stands for itself. */
  readonly sets: string | null
  /** The same for a request that is repeated: it is kept once. Null: each is another one. */
  readonly repeat: string | null
  /** As the act's shape has it. */
  readonly input: unknown
}

export interface KeptEntry extends NewEntry {
  readonly id: string
  /** When it was acknowledged: what it makes bears this time. */
  readonly at: Date
}

const VERSION = 1
const Written = z.object({
  v: z.literal(VERSION),
  id: Id,
  at: Instant,
  act: z.string(),
  actor: z.string(),
  sets: z.string().nullable(),
  repeat: z.string().nullable(),
  input: z.unknown(),
})

/** One line of JSON: the payload of a record. */
export const encodeEntry = ({ at, ...entry }: KeptEntry): string =>
  JSON.stringify({ v: VERSION, at: at.toISOString(), ...entry } satisfies z.input<typeof Written>)

/** Null: it is none that this version reads. */
export function decodeEntry(payload: Buffer): KeptEntry | null {
  try {
    const { v: _, at, ...entry } = Written.parse(JSON.parse(payload.toString()))
    return { ...entry, at: new Date(at) }
  } catch {
    return null
  }
}
