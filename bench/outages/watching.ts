/** Runs the detector and its rivals over one simulated world, and keeps what each of them said, and when. */
import {
  createDetector,
  type Detector,
  type Outage,
  type RankedCause,
  type Sample,
} from '../../engines/detect/index.ts'
import { simulate, type World } from '../../engines/detect/simulate/index.ts'
import { createAlarms, RIVALS, type Alarm } from './rivals.ts'

/** An outage of ours, once it was confirmed. */
export interface Call {
  readonly id: string
  readonly serviceId: string
  readonly confirmedMs: number
  /** As first told, and as last. */
  readonly first: Outage
  outage: Outage
  /** Causes as ranked ten minutes after it was confirmed, or at its end. */
  causes: readonly RankedCause[]
  readonly resolvedMs: number[]
  readonly relapsedMs: number[]
}

export interface Watched {
  readonly world: World
  readonly calls: readonly Call[]
  readonly suspicions: number
  readonly rivals: Readonly<Record<string, readonly Alarm[]>>
  readonly detector: Detector
  readonly cpuMs: number
}

const CAUSE_AFTER_MS = 10 * 60_000

export function watchWorld(world: World): Watched {
  const detector = createDetector(world.services.map(({ model }) => model))
  const calls = new Map<string, Call>()
  const suspected = new Set<string>()
  const rivals = Object.entries(RIVALS).map(([name, create]) => ({
    name,
    perService: world.services.map(({ model }) => createAlarms(model.id, create())),
  }))
  let cpuMs = 0
  detector.advance(world.startMs)
  for (const { endMs, samples } of simulate(world)) {
    const started = process.cpuUsage()
    for (const sample of samples) detector.observe(sample)
    const events = detector.advance(endMs)
    const used = process.cpuUsage(started)
    cpuMs += (used.user + used.system) / 1000
    for (const event of events) {
      if (event.kind === 'collateral') continue
      suspected.add(event.outage.id)
      follow(calls, event.kind, event.outage, event.atMs)
    }
    feedRivals(rivals, world, samples, endMs)
  }
  return {
    world,
    calls: [...calls.values()],
    suspicions: suspected.size,
    rivals: Object.fromEntries(
      rivals.map(({ name, perService }) => [name, perService.flatMap(({ alarms }) => alarms)]),
    ),
    detector,
    cpuMs,
  }
}

function follow(calls: Map<string, Call>, kind: string, outage: Outage, atMs: number): void {
  if (outage.confirmedAtMs === null) return
  const known = calls.get(outage.id)
  if (known === undefined) {
    calls.set(outage.id, {
      id: outage.id,
      serviceId: outage.serviceId,
      confirmedMs: outage.confirmedAtMs,
      first: outage,
      outage,
      causes: outage.causes,
      resolvedMs: [],
      relapsedMs: [],
    })
    return
  }
  if (atMs - known.confirmedMs <= CAUSE_AFTER_MS) known.causes = outage.causes
  known.outage = outage
  if (kind === 'outage-resolved') known.resolvedMs.push(atMs)
  if (kind === 'outage-relapsed') known.relapsedMs.push(atMs)
}

interface RunningRival {
  readonly perService: readonly { take: (samples: readonly Sample[], endMs: number) => void }[]
}

function feedRivals(
  rivals: readonly RunningRival[],
  world: World,
  samples: readonly Sample[],
  endMs: number,
): void {
  const byService = new Map<string, Sample[]>(world.services.map(({ model }) => [model.id, []]))
  for (const sample of samples) byService.get(sample.serviceId)!.push(sample)
  for (const { perService } of rivals) {
    for (const [at, { model }] of world.services.entries())
      perService[at]!.take(byService.get(model.id)!, endMs)
  }
}
