/** Abuse: who may ask how much, who has to prove work first, who is kept out. See docs/operating/abuse.md. */
import type { AbuseVitals } from '../../../contract/operations.ts'
import type { Door } from '../../../kit/admission/index.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import { countsOf } from '../admission.ts'
import type { Ctx } from '../context.ts'
import type { App } from '../http.ts'
import { openFront, type Front, type FrontParts } from './front.ts'
import { REASONS } from './limits.ts'
import { createPressureGate, type PressureGate } from './pressure.ts'
import type { LineStanding } from './standings.ts'

export { givePass } from './give-pass.ts'

const LOOK_MS = 250
/** Of each list that operators are shown. */
const SHOWN = 50

export interface AbuseParts {
  readonly sessionOf: FrontParts['sessionOf']
  readonly mayHaveEnded: FrontParts['mayHaveEnded']
  /** Before the app's routes; null: none is in force, and only the level says how it fares. */
  readonly door: Door | null
}

/** Puts the limits before the app; nothing where a drill has switched them off. */
export function openAbuse(app: App, ctx: Ctx, { sessionOf, mayHaveEnded, door }: AbuseParts): void {
  if (!ctx.config.abuse.isOn) return
  // Told in one message: at the beginning of a flood there are thousands.
  const untold: { line: string; forMs: number }[] = []
  const untoldStandings: LineStanding[] = []
  const front = openFront(app, ctx, {
    sessionOf,
    mayHaveEnded,
    blocks: ctx.blocks.map,
    onPenalty: (line, forMs) => void untold.push({ line, forMs }),
    onStanding: (line, standing) => void untoldStandings.push({ line, standing }),
  })
  const { limits } = front
  const gate = createPressureGate(ctx.clock)
  const { proofOfWork } = ctx.config.abuse
  limits.isProofWanted = proofOfWork === 'always'
  ctx.blocks.onLift((key) => void limits.lift(key))
  ctx.vitals.setAbuse(createReport(front, gate))
  const looking = startRepeating({
    intervalMs: LOOK_MS,
    async work() {
      if (proofOfWork === 'pressure') limits.isProofWanted = gate.look(signsOf(ctx, door, front))
      if (untoldStandings.length > 0) ctx.supervisor?.tellStandings(untoldStandings.splice(0))
      if (untold.length > 0) ctx.supervisor?.tellPenalties(untold.splice(0))
    },
    onError: (error) => ctx.log.error({ err: error }, 'abuse.look-failed'),
  })
  app.addHook('onClose', () => looking[Symbol.asyncDispose]())
}

const signsOf = (ctx: Ctx, door: Door | null, { limits }: Front) => ({
  level: ctx.steward.report().pressureLevel,
  refusedBusy: door ? countsOf(door).refused.reduce((sum, count) => sum + count, 0) : 0,
  refusedProof: limits.refused.proof + limits.refused.penalty,
  connectionWaitMs: ctx.vitals.takeConnectionWaitMs(),
})

/** Rates are since the report before. */
function createReport({ limits, ...front }: Front, gate: PressureGate): () => AbuseVitals {
  let before = { atMs: performance.now(), ...limits.refused }
  return () => {
    const now = { atMs: performance.now(), ...limits.refused }
    const seconds = Math.max(1e-3, (now.atMs - before.atMs) / 1_000)
    const rates = REASONS.map((reason) => [reason, (now[reason] - before[reason]) / seconds])
    before = now
    const wallAt = (monotonicMs: number) =>
      new Date(Date.now() + monotonicMs - performance.now()).toISOString()
    return {
      proofWantedSince: gate.since?.toISOString() ?? null,
      refusedPerS: Object.fromEntries(rates) as AbuseVitals['refusedPerS'],
      refusedConnections: front.refusedConnections(),
      openConnections: front.openConnections(),
      penalties: limits
        .penalties(SHOWN)
        .map(({ line, untilMs, times }) => ({ network: line, until: wallAt(untilMs), times })),
      worst: limits.worst(SHOWN).map(({ key, perS }) => ({ network: key, perS })),
    }
  }
}
