/** What holds in each region now: by the document in force, and by how far this machine's replica is. */
import type { RegionStatus } from '../../../contract/state.ts'
import { isLetIntoRegion } from '../../../engines/steward/index.ts'
import { isLoopback, networkOf } from '../../../kit/network/network-of.ts'
import { createNetworkMap, type NetworkMap } from '../../../kit/network/prefixes.ts'
import type { Ctx } from '../../app/context.ts'
import { shareOf, type RegionPolicy } from '../../releases/index.ts'
import { openRegionReplica, type RegionReplica } from './region-replica.ts'

/** From here on a replica is behind, rather than just a moment later. */
export const CATCHING_UP_FROM_S = 5

/** Why somebody is not let in. */
export interface Closure {
  readonly region: string
  readonly reason: string
  /** Of its people, how many are let in; 0: nobody. */
  readonly share: number
}

export interface Regions extends AsyncDisposable {
  readonly statuses: readonly RegionStatus[]
  /** The one that this machine reads; null: it has none. */
  readonly replica: RegionReplica | null
  /** Null: the address is let in. Asks nothing of any dependency. */
  closureFor(address: string): Closure | null
}

const known = new WeakMap<Ctx, Regions>()
/** Of this process; null: it serves no people. */
export const regionsOf = (ctx: Ctx): Regions | null => known.get(ctx) ?? null

/** Follows the document, and the replica. */
export function openRegions(ctx: Ctx): Regions {
  const { name: ownName, replicaUrl } = ctx.config.region
  let policies: Readonly<Record<string, RegionPolicy>> = {}
  let byNetwork: NetworkMap<string> = createNetworkMap()
  ctx.documents.use('regions', (content) => {
    policies = content?.regions ?? {}
    byNetwork = createNetworkMap()
    for (const [name, { networks = [] }] of Object.entries(policies))
      for (const each of networks) byNetwork.set(each, name)
  })
  const replica = replicaUrl === null ? null : openRegionReplica(ctx, replicaUrl)

  const statusOf = (name: string): RegionStatus => {
    const policy = policies[name] ?? SERVING
    const behindS = name === ownName && replica ? replica.behindS : null
    const reason = policy.state === 'serving' ? null : policy.reason
    return {
      name,
      state: stateOf(policy, name === ownName && replica !== null, behindS),
      behindS,
      reason,
      share: shareOf(policy),
    }
  }
  const regions: Regions = {
    replica,
    get statuses() {
      const names = new Set([...(ownName === null ? [] : [ownName]), ...Object.keys(policies)])
      return [...names].toSorted().map(statusOf)
    },
    closureFor(address) {
      const region = byNetwork.find(address) ?? (isLoopback(address) ? null : ownName)
      const policy = region === null ? undefined : policies[region]
      if (region === null || !policy || policy.state === 'serving') return null
      const share = shareOf(policy)
      return isLetIntoRegion(region, networkOf(address), share)
        ? null
        : { region, reason: policy.reason, share }
    },
    async [Symbol.asyncDispose]() {
      known.delete(ctx)
      await replica?.[Symbol.asyncDispose]()
    },
  }
  if (!ctx.config.protectionsOff.has('replica-reads'))
    ctx.steward.watchReplica(() => replica !== null && replica.behindS !== null)
  known.set(ctx, regions)
  return regions
}

const SERVING: RegionPolicy = { state: 'serving' }

function stateOf(policy: RegionPolicy, hasReplica: boolean, behindS: number | null): RegionStatus['state'] {
  if (policy.state !== 'serving' || !hasReplica) return policy.state
  if (behindS === null) return 'unknown'
  return behindS >= CATCHING_UP_FROM_S ? 'catching-up' : 'serving'
}
