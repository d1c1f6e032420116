/** What holds in each region: who belongs to it, whether it is served, closed by law or order, or reopening. */
import { z } from 'zod'
import { REOPENING_SHARES } from '../../../engines/steward/index.ts'
import { readNetwork } from '../../../kit/network/prefixes.ts'
import type { ReleaseKind } from '../release-kind.ts'

const NETWORKS_MAX = 5_000
export const REGION_REASON_MAX_LENGTH = 300
export const RegionName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/)
const Networks = z
  .array(z.string().refine((text) => readNetwork(text) !== null, 'It is no address and no network.'))
  .max(NETWORKS_MAX)
  .optional()

export const RegionPolicy = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('serving'), networks: Networks }),
  z.strictObject({
    state: z.literal('closed'),
    networks: Networks,
    /** What its people are told. */
    reason: z.string().trim().min(3).max(REGION_REASON_MAX_LENGTH),
  }),
  z.strictObject({
    state: z.literal('reopening'),
    networks: Networks,
    reason: z.string().trim().min(3).max(REGION_REASON_MAX_LENGTH),
    share: z.literal([REOPENING_SHARES[0], REOPENING_SHARES[1]]),
  }),
])
export type RegionPolicy = z.infer<typeof RegionPolicy>

export const RegionsDocument = z.strictObject({ regions: z.record(RegionName, RegionPolicy) })
export type RegionsDocument = z.infer<typeof RegionsDocument>

const REGIONS_MAX = 100
/** More at once is no order of an authority but a file gone wrong. */
const CLOSED_AT_ONCE_MAX = 1

/** The part of the people that is let in. */
export const shareOf = (policy: RegionPolicy): number =>
  policy.state === 'serving' ? 1 : policy.state === 'closed' ? 0 : policy.share

/** The stage after this share. */
const nextStage = (share: number): number => REOPENING_SHARES.find((stage) => stage > share) ?? 1

export const regionsKind: ReleaseKind<RegionsDocument> = {
  name: 'regions',
  schema: RegionsDocument,
  bounds: { maxBytes: 512 * 1_024, maxValues: 20_000, maxDepth: 5, maxGrowth: 4 },
  goldenChecks({ regions }, lastGood) {
    const names = Object.keys(regions)
    const objections: string[] = []
    if (names.length > REGIONS_MAX) objections.push(`It has ${names.length} regions; ${REGIONS_MAX} at most.`)
    const closing = names.filter(
      (name) => shareOf(regions[name]!) === 0 && lastGood?.regions[name]?.state !== 'closed',
    )
    if (closing.length > CLOSED_AT_ONCE_MAX)
      objections.push(`It closes ${closing.length} regions at once; ${CLOSED_AT_ONCE_MAX} at most.`)
    for (const [name, before] of Object.entries(lastGood?.regions ?? {})) {
      const [was, now] = [shareOf(before), regions[name] ? shareOf(regions[name]) : 1]
      if (now > nextStage(was))
        objections.push(
          `${name} goes from ${was * 100} % to ${now * 100} % of its people; ${nextStage(was) * 100} % is the next stage.`,
        )
    }
    return [...objections, ...networksInTwo(regions)]
  },
}

function* networksInTwo(regions: RegionsDocument['regions']): Generator<string> {
  const owners = new Map<string, string>()
  for (const [name, { networks = [] }] of Object.entries(regions))
    for (const each of networks) {
      const text = readNetwork(each)!.text
      const owner = owners.get(text)
      if (owner !== undefined && owner !== name) yield `${text} belongs to ${owner} and to ${name}.`
      owners.set(text, name)
    }
}
