/**
 * How much a report counts: a crowd from many places in full, the same few places again and again for little. Discounts are
 * kept beside the count, never hidden in it.
 */
import type { Clock } from '../../../kit/clock.ts'
import { createFadingCounts } from '../../../kit/bounded/fading-counts.ts'

export interface ReportTraits {
  readonly serviceId: string
  /** The address, or its /64. */
  readonly network: string
  /** What browsers say of themselves and what is reported: the same for scripts, varied among people. */
  readonly fingerprint: string
  readonly isProven: boolean
}

export interface TrustJudge {
  /** 0 to 1 for this report, which is remembered. */
  judge(traits: ReportTraits): number
  /** Whether this source looks automated: it is asked for a proof of work. */
  needsProof(traits: Pick<ReportTraits, 'network'> & { readonly looksLikeProgram: boolean }): boolean
}

const WINDOW_MS = 10 * 60_000
const MAX_KEYS = 2 ** 16
/** Services, and what browsers say of themselves: few, or all different. */
const MAX_FINGERPRINTS = 2 ** 12
/** Households, offices and mobile carriers share addresses: so many reports from one count in full. */
const FREE_PER_NETWORK = 3
const PROOF_AFTER_PER_NETWORK = 8
/** A neighbourhood: /24 for IPv4, /48 for IPv6. */
const FREE_PER_NEIGHBOURHOOD = 24
/** A batch is this many of one fingerprint within the window of `BATCH_MS`, beyond what others send. */
const BATCH_MS = 10_000
const BATCH_MIN = 20
const BATCH_SHARE = 0.8
const BATCH_TRUST = 0.2

/** FNV's own; a judge of what strangers send has one at random. */
const DEFAULT_SEED = 0x811c9dc5

/** Makes a judge that has seen nothing. @default seed 0x811c9dc5 */
export function createTrustJudge(clock: Clock, seed = DEFAULT_SEED): TrustJudge {
  const counts = (windowMs: number, maxKeys: number) => createFadingCounts({ clock, windowMs, maxKeys, seed })
  const perNetwork = counts(WINDOW_MS, MAX_KEYS)
  const perNeighbourhood = counts(WINDOW_MS, MAX_KEYS)
  const perFingerprint = counts(BATCH_MS, MAX_FINGERPRINTS)
  const perService = counts(BATCH_MS, MAX_FINGERPRINTS)
  return {
    judge({ serviceId, network, fingerprint, isProven }) {
      const own = perNetwork.add(network)
      const near = perNeighbourhood.add(neighbourhoodOf(network))
      const alike = perFingerprint.add(`${serviceId} ${fingerprint}`)
      const all = perService.add(serviceId)
      let trust = 1
      // Harmonic: the hundredth of one address adds a hundredth.
      if (own > FREE_PER_NETWORK) trust = Math.min(trust, 1 / (own - FREE_PER_NETWORK + 1))
      if (near > FREE_PER_NEIGHBOURHOOD) trust = Math.min(trust, FREE_PER_NEIGHBOURHOOD / near)
      const isBatch = alike >= BATCH_MIN && alike >= all * BATCH_SHARE
      if (isBatch && !(own === 1 && isProven)) trust = Math.min(trust, BATCH_TRUST)
      return trust
    },
    needsProof: ({ network, looksLikeProgram }) =>
      looksLikeProgram || perNetwork.count(network) >= PROOF_AFTER_PER_NETWORK,
  }
}

function neighbourhoodOf(network: string): string {
  return network.includes(':')
    ? network.split(':').slice(0, 3).join(':')
    : network.slice(0, network.lastIndexOf('.'))
}
