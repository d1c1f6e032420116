/** What a kind of document is that changes a running system, and what each has to keep to. */
import type { z } from 'zod'

export interface ReleaseBounds {
  /** Of the file as it is, looked at before anything is read of it. */
  readonly maxBytes: number
  /** Values, names and nested ones all counted, before the schema is asked. */
  readonly maxValues: number
  readonly maxDepth: number
  /** To the last good one, where that has at least `GROWTH_FROM_BYTES`: a generated file twice its size was generated twice. */
  readonly maxGrowth: number
}

/** Growth of what is small says nothing. */
export const GROWTH_FROM_BYTES = 1_024

/** Registered in `kinds/index.ts`; who uses it reads it from `ctx.documents` and hears of changes there. */
export interface ReleaseKind<Content = unknown> {
  /** Kebab-case; names folder, file and command. */
  readonly name: string
  readonly schema: z.ZodType<Content>
  readonly bounds: ReleaseBounds
  /**
   * Plays what was recorded against the content, in a process that may die of it, before anything else gets it.
   *
   * @param lastGood null: none is in force, and the code's own defaults hold
   * @returns what speaks against it, in words; empty: nothing
   */
  goldenChecks(content: Content, lastGood: Content | null): readonly string[]
}
