/** From the detector's cells to a component's status, and from components to the page's indicator. Pure. */
import type { ComponentStatus, StatusIndicator } from '../../contract/watch.ts'
import type { CellView } from '../../engines/detect/types.ts'

type State = CellView['state']

/** From the worst to the best; `unknown` is worse than `up` only in what it leaves open. */
const WORST_FIRST: readonly State[] = [
  'down',
  'recovering',
  'suspected',
  'maintenance',
  'closed',
  'unknown',
  'up',
]

/** The worst state of a component's regions; `unknown` for a component without any. */
export function worstState(states: readonly State[]): State {
  return WORST_FIRST.find((state) => states.includes(state)) ?? 'unknown'
}

/**
 * A component's status out of its regions' states. What is unknown or only suspected says nothing new: those regions keep
 * what they had, so the component does, too, unless another region is worse.
 */
export function statusOfCells(states: readonly State[], before: ComponentStatus): ComponentStatus {
  // A region closed by law is no fault, and none of its service is to be had there.
  const open = states.filter((state) => state !== 'closed')
  if (open.length === 0) return states.length > 0 ? 'operational' : before
  const downCount = open.filter((state) => state === 'down').length
  if (downCount === open.length) return 'major_outage'
  if (downCount > 0) return 'partial_outage'
  if (open.includes('recovering')) return 'degraded_performance'
  if (open.includes('maintenance')) return 'under_maintenance'
  if (open.includes('unknown') || open.includes('suspected')) return before
  return 'operational'
}

const SEVERITY: Record<ComponentStatus, number> = {
  operational: 0,
  under_maintenance: 1,
  degraded_performance: 2,
  partial_outage: 3,
  major_outage: 4,
}

export const isWorse = (a: ComponentStatus, b: ComponentStatus): boolean => SEVERITY[a] > SEVERITY[b]

/** From the least to the worst. */
export const IMPACTS = ['none', 'minor', 'major', 'critical'] as const
export type Impact = (typeof IMPACTS)[number]

/** The worst of these, at least one. */
export const worstImpactOf = (impacts: readonly Impact[]): Impact =>
  IMPACTS[Math.max(...impacts.map((impact) => IMPACTS.indexOf(impact)))]!

/** Statuspage's rule: the worst component decides. */
export function impactOf(status: ComponentStatus): Impact {
  if (status === 'major_outage') return 'critical'
  if (status === 'partial_outage') return 'major'
  return status === 'degraded_performance' ? 'minor' : 'none'
}

/** Share of what people come for that is down from which a service as a whole counts as down. */
const CRITICAL_SHARE = 0.5

export interface WeighedComponent {
  readonly status: ComponentStatus
  /** What people come for, if this is a part of it. Where no component is, all of them are. */
  readonly essential: string | null
}

/** Those that decide whether the service as a whole is down. */
export function essentialsOf<T extends Pick<WeighedComponent, 'essential'>>(
  components: readonly T[],
): readonly T[] {
  const declared = components.filter(({ essential }) => essential !== null)
  return declared.length > 0 ? declared : components
}

/**
 * The page's one line, in Statuspage's words. A service is down when half of what people come for is: whatever else fails
 * beside it, and however much of that, is a part.
 */
export function indicatorOf(components: readonly WeighedComponent[]): {
  readonly indicator: StatusIndicator
  readonly description: string
} {
  const countIn = (some: readonly WeighedComponent[], status: ComponentStatus) =>
    some.filter((one) => one.status === status).length
  const count = (status: ComponentStatus) => countIn(components, status)
  const essentials = essentialsOf(components)
  const essentialDown = countIn(essentials, 'major_outage')
  if (essentialDown > 0 && essentialDown >= essentials.length * CRITICAL_SHARE)
    return { indicator: 'critical', description: 'Major Service Outage' }
  if (count('major_outage') > 0) return { indicator: 'major', description: 'Partial System Outage' }
  if (count('partial_outage') > 0) return { indicator: 'minor', description: 'Minor Service Outage' }
  if (count('degraded_performance') > 0)
    return { indicator: 'minor', description: 'Partially Degraded Service' }
  if (count('under_maintenance') > 0)
    return { indicator: 'maintenance', description: 'Service Under Maintenance' }
  return { indicator: 'none', description: 'All Systems Operational' }
}
