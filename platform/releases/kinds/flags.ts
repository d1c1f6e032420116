/** Feature flags: what the product does or leaves, decided at run time. */
import { z } from 'zod'
import type { ReleaseKind } from '../release-kind.ts'

/** Every flag that the code asks for, with what holds where no document says otherwise. */
export const FLAG_DEFAULTS = {
  /** Anyone may make an account, where the configuration lets them. */
  'sign-up': true,
  /** For You reserves places for new videos that few have watched. */
  'new-voices': true,
} as const
export type FlagName = keyof typeof FLAG_DEFAULTS

const Name = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/)

/** Flags that the code does not know are left alone: a document may be a release ahead of it. */
export const FlagsDocument = z.strictObject({
  flags: z.record(
    Name,
    z.strictObject({
      isOn: z.boolean(),
      /** Of the people for whom it is on; the others get the opposite. @default 1 */
      share: z.number().min(0).max(1).optional(),
      note: z.string().max(300).optional(),
    }),
  ),
})
export type FlagsDocument = z.infer<typeof FlagsDocument>

const FLAGS_MAX = 500
/** So many changing at once is no decision of a person but a generator gone wrong. */
const FLIPPED_MAX = 10

export const flagsKind: ReleaseKind<FlagsDocument> = {
  name: 'flags',
  schema: FlagsDocument,
  bounds: { maxBytes: 128 * 1_024, maxValues: 4 * FLAGS_MAX, maxDepth: 4, maxGrowth: 1.8 },
  goldenChecks({ flags }, lastGood) {
    const objections: string[] = []
    const names = Object.keys(flags)
    if (names.length > FLAGS_MAX) objections.push(`It has ${names.length} flags; ${FLAGS_MAX} at most.`)
    const gone = Object.keys(lastGood?.flags ?? {}).filter((name) => !(name in flags))
    if (lastGood && names.length === 0 && gone.length > 0)
      objections.push(`It takes all ${gone.length} flags away: an empty document is more likely a mistake.`)
    const flipped = names.filter(
      (name) => lastGood?.flags[name] && lastGood.flags[name].isOn !== flags[name]!.isOn,
    )
    if (flipped.length > FLIPPED_MAX)
      objections.push(`It turns ${flipped.length} flags round at once; ${FLIPPED_MAX} at most.`)
    return objections
  },
}
