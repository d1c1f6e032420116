/** Each order, carried out. */
import {
  BLOCKS_MAX,
  SHAPES_MAX,
  type OperatorOrder,
  type OrderGiver,
  type OrderOutcome,
  type RoleName,
} from '../../../contract/operations.ts'
import type { Clock } from '../../../kit/clock.ts'
import { readNetwork } from '../../../kit/network/prefixes.ts'
import type { RoleProcess } from '../role-process.ts'
import type { DocumentReleases } from '../rollout/documents.ts'
import type { Releases } from '../rollout/releases.ts'
import type { MaintenanceDesk } from './maintenance.ts'
import type { OrderBook } from './order-book.ts'
import { begun, done, failed, refused, type Carried } from './outcome.ts'
import type { OwnPrograms } from './own-programs.ts'

export interface Means {
  readonly book: OrderBook
  readonly clock: Clock
  readonly roles: () => readonly RoleProcess[]
  readonly programs: OwnPrograms
  readonly maintenance: MaintenanceDesk
  /** Null while Upbeat is just starting. */
  readonly releases: () => Pick<Releases, 'begin' | 'end' | 'giveBack'> | null
  readonly gate: Gate
  readonly documents: () => Pick<DocumentReleases, 'begin' | 'returnTo'> | null
  /** The supervisor ends. */
  readonly signal: AbortSignal
}

/** What keeps networks out. */
export interface Gate {
  /** Whether blocking this would shut out the machine itself, or the proxies that people come through. */
  isNeeded(network: string): boolean
  /** Ends a penalty everywhere. */
  lift(line: string): void
}

/** Wider ones would shut out a good part of everybody. */
const WIDEST_BITS: Readonly<Record<4 | 6, number>> = { 4: 8, 6: 16 }

/** Those who serve people first, one after the other. */
const RESTART_ORDER: readonly RoleName[] = ['api', 'ingest', 'worker']

/** Long ones are answered as soon as they have begun. @throws when it could not be done */
export async function carryOut(order: OperatorOrder, who: OrderGiver, means: Means): Promise<Carried> {
  const { book, maintenance } = means
  switch (order.type) {
    case 'set-level': {
      const { level, reason } = order
      await book.change({ level: { level, reason, who, ...span(order.forS, means.clock) } })
      return done(`The level is at least ${level} until ${book.inForce.level?.untilAt}.`)
    }
    case 'clear-level':
      if (!book.inForce.level) return refused('No level is ordered.')
      await book.change({ level: null })
      return done('The level follows what Upbeat sees by itself.')
    case 'pause-feature': {
      const { feature, reason } = order
      const entry = { feature, reason, who, ...span(order.forS, means.clock) }
      await book.change({ features: [...without(book, feature), entry] })
      return done(`${feature}: paused until ${entry.untilAt}.`)
    }
    case 'resume-feature':
      if (without(book, order.feature).length === book.inForce.features.length)
        return refused(`No operator has paused ${order.feature}.`)
      await book.change({ features: without(book, order.feature) })
      return done(`${order.feature}: no longer paused by an operator.`)
    case 'announce-maintenance':
      return maintenance.announce(order)
    case 'begin-maintenance':
      return maintenance.begin(order)
    case 'end-maintenance':
      return maintenance.end(order)
    case 'cancel-maintenance':
      return maintenance.cancel()
    case 'restart-role':
      return restart(order.role === 'all' ? RESTART_ORDER : [order.role], means.roles())
    case 'hold-role':
    case 'release-role':
      return steer(order.type, roleOf(order.role, means.roles()))
    case 'release-code':
    case 'end-release':
    case 'return-code': {
      const releases = means.releases()
      if (!releases) return refused('Upbeat is just starting.')
      if (order.type === 'release-code') return releases.begin(order)
      return order.type === 'end-release' ? releases.end(order.reason) : releases.giveBack(order.reason)
    }
    case 'block-network':
      return block(order, who, means)
    case 'unblock-network':
      return unblock(order.network, means)
    case 'bar-shape':
      return bar(order, who, means)
    case 'free-shape':
      return free(order.shape, means)
    case 'release-document': {
      const documents = means.documents()
      return documents ? documents.begin(order.kind, order.hash) : refused('Upbeat is just starting.')
    }
    case 'return-document': {
      const documents = means.documents()
      if (!documents) return refused('Upbeat is just starting.')
      return begun(
        `The ${order.kind} document before is put in force again.`,
        documents.returnTo(order.kind, order.reason),
      )
    }
    case 'backup-now':
      return begun('A backup is being made.', backUp(means))
  }
}

async function block(
  { network: text, reason, forS }: Extract<OperatorOrder, { type: 'block-network' }>,
  who: OrderGiver,
  { book, clock, gate }: Means,
): Promise<Carried> {
  const network = readNetwork(text)
  if (!network) return refused(`${text} is no address or network, such as 192.0.2.7 or 2001:db8::/48.`)
  if (network.bits < WIDEST_BITS[network.version])
    return refused(`${network.text} is too wide: /${WIDEST_BITS[network.version]} is the widest.`)
  if (gate.isNeeded(network.text))
    return refused(`${network.text} is this machine or one of its proxies (TRUSTED_PROXIES, LIMIT_EXEMPT).`)
  const others = book.inForce.blocks.filter((each) => each.network !== network.text)
  if (others.length >= BLOCKS_MAX)
    return refused(`${BLOCKS_MAX} networks are blocked, and there is no room for more: block larger ones.`)
  const entry = { network: network.text, reason, who, ...span(forS, clock) }
  await book.change({ blocks: [...others, entry] })
  return done(`${network.text} is kept out until ${entry.untilAt}.`)
}

async function unblock(text: string, { book, gate }: Means): Promise<Carried> {
  const network = readNetwork(text)
  if (!network) return refused(`${text} is no address or network, such as 192.0.2.7 or 2001:db8::/48.`)
  // Penalties go by the name that they are listed under, which may write out zeros.
  for (const line of new Set([network.text, text])) gate.lift(line)
  const left = book.inForce.blocks.filter((each) => each.network !== network.text)
  if (left.length === book.inForce.blocks.length)
    return done(`No operator had blocked ${network.text}; what Upbeat kept out of it by itself is let in.`)
  await book.change({ blocks: left })
  return done(`${network.text} is let in again.`)
}

async function bar(
  { shape, reason, forS }: Extract<OperatorOrder, { type: 'bar-shape' }>,
  who: OrderGiver,
  { book, clock }: Means,
): Promise<Carried> {
  const others = book.inForce.shapes.filter((each) => each.shape !== shape)
  if (others.length >= SHAPES_MAX)
    return refused(
      `${SHAPES_MAX} requests are refused, and there is no room for more: serve one again first.`,
    )
  const entry = { shape, reason, who, ...span(forS, clock) }
  await book.change({ shapes: [...others, entry] })
  return done(`${shape} is refused until ${entry.untilAt}.`)
}

async function free(shape: string, { book }: Means): Promise<Carried> {
  const left = book.inForce.shapes.filter((each) => each.shape !== shape)
  if (left.length === book.inForce.shapes.length) return refused(`${shape} is not refused.`)
  await book.change({ shapes: left })
  return done(`${shape} is served again.`)
}

const without = (book: OrderBook, feature: string) =>
  book.inForce.features.filter((it) => it.feature !== feature)

function span(forS: number, clock: Clock): { since: string; untilAt: string } {
  const now = clock.now().getTime()
  return { since: new Date(now).toISOString(), untilAt: new Date(now + forS * 1_000).toISOString() }
}

function roleOf(name: RoleName, roles: readonly RoleProcess[]): RoleProcess {
  const found = roles.find(({ role }) => role === name)
  if (!found) throw new Error(`${name} is not made yet: Upbeat is just starting.`)
  return found
}

function steer(type: 'hold-role' | 'release-role', role: RoleProcess): Carried {
  if (type === 'release-role') {
    const isDraining = role.state === 'draining'
    if (!role.release()) return refused(`${role.role} is not held: it is ${role.state}.`)
    return done(`${role.role} starts again${isDraining ? ' as soon as it has ended' : ''}.`)
  }
  const held = role
    .hold()
    .then((): OrderOutcome => ({ state: 'done', detail: `${role.role} is ${role.state}.` }))
  return begun(`${role.role} finishes what it has begun, and is then held.`, held)
}

function restart(names: readonly RoleName[], roles: readonly RoleProcess[]): Carried {
  const chosen = names.map((name) => roleOf(name, roles))
  const unfit = chosen.find(({ state }) => state !== 'ready')
  if (unfit)
    return refused(`${unfit.role} is ${unfit.state}: only what is ready can hand over to a new process.`)
  return begun(`${names.join(', ')}: one after the other.`, restartEach(chosen))
}

async function restartEach(roles: readonly RoleProcess[]): Promise<OrderOutcome> {
  const restarted: string[] = []
  for (const role of roles) {
    try {
      await role.replace()
      restarted.push(role.role)
    } catch (error) {
      const before = restarted.length > 0 ? `${restarted.join(', ')} is new. ` : ''
      return failed(`${before}${role.role}: ${(error as Error).message}`)
    }
  }
  return { state: 'done', detail: `${restarted.join(', ')} runs in a new process.` }
}

async function backUp({ programs, signal }: Means): Promise<OrderOutcome> {
  return { state: 'done', detail: await programs.backUp(signal) }
}
