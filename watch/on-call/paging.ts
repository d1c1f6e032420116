/** Pages people: opens a page for what is severe enough, escalates it until somebody answers, ends it with its outage. */
import { startRepeating } from '../../kit/repeat.ts'
import { WATCH } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import {
  auditStatement,
  idsOf,
  incidentById,
  isBeginning,
  listOpenIncidents,
  wordsInOrder,
  type IncidentView,
} from '../incidents/index.ts'
import { isRace, type Statement } from '../store/index.ts'
import { needsPage, nextStep, type NextStep, type Pageable } from './escalation.ts'
import type { PageLinks } from './links.ts'
import { pageStatements } from './page-notices.ts'
import {
  findLastPageOf,
  incidentIdOf,
  insertPage,
  insertTold,
  isPartOfEarlier,
  listCurrentPages,
  listTold,
  subjectOfBlindness,
  subjectOfIncident,
  writePage,
  type PageRecord,
} from './page-records.ts'
import { MISSED_WORDS, resolveTargets, targetName, type Missed } from './targets.ts'
import { toldStatements } from './told-again.ts'

const ROUND_MS = 1_000
/** A whole round that reached nobody is gone through again after this: somebody may be on call by then. */
const GAP_RETRY_MS = 5 * 60_000

export interface Paging extends AsyncDisposable {
  /** Does all that is due now; for tests. */
  round(): Promise<void>
}

/** Goes on with the pages that were open before a restart. */
export function startPaging(ctx: WatchCtx, links: PageLinks): Paging {
  const blindSinceMs = new Map<string, number>()

  async function round(): Promise<void> {
    for (const entry of ctx.catalog.services()) {
      await settle(ctx, entry.id, () => pageOutages(ctx, entry))
      await settle(ctx, entry.id, () => pageBlindness(ctx, entry, blindSinceMs))
    }
    for (const page of listCurrentPages(ctx.store))
      await settle(ctx, page.id, () => advance(ctx, links, page))
  }

  const repeating = startRepeating({
    intervalMs: ROUND_MS,
    work: round,
    onError: (error) => ctx.log.error({ err: error }, 'paging.round-failed'),
  })
  return { round, [Symbol.asyncDispose]: () => repeating[Symbol.asyncDispose]() }
}

/** One page that fails must not keep the others waiting; a race is settled by looking again in the next round. */
async function settle(ctx: WatchCtx, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (isRace(error)) return
    ctx.log.error({ err: error, what }, 'paging.failed')
  }
}

async function pageOutages(ctx: WatchCtx, entry: ServiceEntry): Promise<void> {
  if (entry.onCall.escalation.length === 0) return
  for (const incident of listOpenIncidents(ctx, entry.id)) {
    const last = lastPageOf(ctx, incident)
    if (last?.state === 'over' && !isBrokenAnew(incident, last)) continue
    const { confirmedAtMs, impact, relapses } = incident
    const outage = { isConfirmed: confirmedAtMs !== null, isOver: false, impact, relapses }
    // It goes on under the id by which people were called before, whichever watch gave it.
    await openPage(ctx, entry, { subject: last?.subject ?? subjectOfIncident(incident.id), last, outage })
  }
}

/** By whichever of its ids people were called. */
const lastPageOf = (ctx: WatchCtx, incident: Pick<IncidentView, 'id' | 'witnesses'>): PageRecord | null =>
  findLastPageOf(ctx.store, idsOf(incident).map(subjectOfIncident))

/**
 * Whether an incident whose page is over is a new call. Watches that were apart end theirs at different times, so of one that
 * several tell of this takes somebody who saw it begin since.
 */
function isBrokenAnew(incident: IncidentView, { overAtMs, relapses }: PageRecord): boolean {
  if (incident.witnesses === undefined || incident.relapses > relapses) return true
  return wordsInOrder(incident).some((word) => isBeginning(word) && word.update.atMs > (overAtMs ?? 0))
}

async function pageBlindness(
  ctx: WatchCtx,
  entry: ServiceEntry,
  sinceMs: Map<string, number>,
): Promise<void> {
  const nowMs = ctx.clock.now().getTime()
  const { blindAfterMinutes, escalation } = entry.onCall
  if (!ctx.live.isBlind(entry.id)) sinceMs.delete(entry.id)
  else if (!sinceMs.has(entry.id)) sinceMs.set(entry.id, nowMs)
  const since = sinceMs.get(entry.id)
  if (blindAfterMinutes === null || escalation.length === 0 || since === undefined) return
  if (nowMs - since < blindAfterMinutes * 60_000) return
  const blindness = { isConfirmed: true, isOver: false, impact: 'critical', relapses: 0 } as const
  const subject = subjectOfBlindness(entry.id)
  const last = findLastPageOf(ctx.store, [subject])
  await openPage(ctx, entry, { subject, last, outage: blindness })
}

async function openPage(
  ctx: WatchCtx,
  entry: ServiceEntry,
  input: { readonly subject: string; readonly last: PageRecord | null; readonly outage: Pageable },
): Promise<void> {
  const { subject, last, outage } = input
  if (!needsPage(outage, last, entry.onCall.pageFrom)) return
  const nowMs = ctx.clock.now().getTime()
  const page: PageRecord = {
    id: ctx.newId(),
    serviceId: entry.id,
    subject,
    turn: (last?.turn ?? 0) + 1,
    relapses: outage.relapses,
    openedAtMs: nowMs,
    state: 'paging',
    stepsTaken: 0,
    dueAtMs: nowMs,
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    overAtMs: null,
    isGapTold: false,
  }
  await ctx.store.write([
    ...(last && last.state !== 'over' ? [writePage({ ...last, state: 'over', overAtMs: nowMs }, last)] : []),
    insertPage(page),
    logStatement(ctx, page, 'open-page', { turn: page.turn }),
  ])
}

/** Takes all steps that are due: one that reaches nobody is followed by the next at once. */
async function advance(ctx: WatchCtx, links: PageLinks, first: PageRecord): Promise<void> {
  const entry = ctx.catalog.find(first.serviceId)
  let page: PageRecord | null = first
  while (page) {
    if (!entry || isOver(ctx, page)) return endPage(ctx, links, entry, page)
    const step = nextStep(page, entry.onCall, ctx.clock.now().getTime())
    if (step.kind === 'nothing' || step.kind === 'wait') return
    page =
      step.kind === 'give-up' ? await giveUp(ctx, page) : await takeStep(ctx, links, { entry, page, step })
  }
}

function isOver(ctx: WatchCtx, page: PageRecord): boolean {
  const incidentId = incidentIdOf(page)
  if (incidentId === null) return !ctx.live.isBlind(page.serviceId)
  const incident = incidentById(ctx, incidentId)
  return (
    !incident ||
    incident.resolvedAtMs !== null ||
    incident.mergedInto !== null ||
    isPartOfEarlier(ctx.store, page, idsOf(incident).map(subjectOfIncident))
  )
}

/** Answers the page after the step if the next one is due at once. */
async function takeStep(
  ctx: WatchCtx,
  links: PageLinks,
  input: {
    readonly entry: ServiceEntry
    readonly page: PageRecord
    readonly step: Extract<NextStep, { kind: 'tell' }>
  },
): Promise<PageRecord | null> {
  const { entry, page, step } = input
  const nowMs = ctx.clock.now().getTime()
  const { reached, missed } = resolveTargets(ctx, entry, page, step.to)
  if (reached.length === 0) return skipStep(ctx, { entry, page, step, missed })
  const told = reached.map(({ person, via, receivers }) => {
    const key = String(step.step)
    const made = pageStatements(ctx, links, { page, entry, person, receivers, key, word: 'page' })
    const facts = {
      pageId: page.id,
      step: step.step,
      personId: person.id,
      name: person.name,
      via,
      atMs: nowMs,
    }
    return [
      ...made.statements,
      insertTold({ ...facts, channels: made.channels }),
      logStatement(ctx, page, 'page', {
        person: person.name,
        via: targetName(entry, via),
        step: step.step + 1,
        channels: made.channels.map(({ channel }) => channel).join(' '),
      }),
    ]
  })
  const after = { ...page, stepsTaken: step.step + 1, dueAtMs: nowMs + step.waitMs }
  await ctx.store.write([
    writePage(after, page),
    ...told.flat(),
    ...missed.map((miss) => missStatement(ctx, entry, page, miss)),
  ])
  return null
}

async function skipStep(
  ctx: WatchCtx,
  input: {
    readonly entry: ServiceEntry
    readonly page: PageRecord
    readonly step: Extract<NextStep, { kind: 'tell' }>
    readonly missed: readonly Missed[]
  },
): Promise<PageRecord | null> {
  const { entry, page, step, missed } = input
  const { length } = entry.onCall.escalation
  const roundBegan = step.round * length
  const isRoundOver = step.step + 1 === roundBegan + length
  const isRoundEmpty = isRoundOver && !listTold(ctx.store, page.id).some((told) => told.step >= roundBegan)
  const nowMs = ctx.clock.now().getTime()
  const after: PageRecord = isRoundEmpty
    ? { ...page, stepsTaken: roundBegan, dueAtMs: nowMs + GAP_RETRY_MS, isGapTold: true }
    : { ...page, stepsTaken: step.step + 1, dueAtMs: nowMs }
  const isNews = !page.isGapTold
  await ctx.store.write([
    writePage(after, page),
    ...(isNews ? missed.map((miss) => missStatement(ctx, entry, page, miss)) : []),
    ...(isNews && isRoundEmpty ? [logStatement(ctx, page, 'page-reached-nobody', {})] : []),
  ])
  return isRoundEmpty ? null : after
}

async function giveUp(ctx: WatchCtx, page: PageRecord): Promise<null> {
  await ctx.store.write([
    writePage({ ...page, state: 'unanswered' }, page),
    logStatement(ctx, page, 'page-unanswered', { steps: page.stepsTaken }),
  ])
  return null
}

/** Whoever was told hears that it is over. */
async function endPage(
  ctx: WatchCtx,
  links: PageLinks,
  entry: ServiceEntry | undefined,
  page: PageRecord,
): Promise<void> {
  await ctx.store.write([
    writePage({ ...page, state: 'over', overAtMs: ctx.clock.now().getTime() }, page),
    ...(entry ? toldStatements(ctx, links, { entry, page, word: 'over' }) : []),
    logStatement(ctx, page, 'end-page', {}),
  ])
}

const missStatement = (
  ctx: WatchCtx,
  entry: ServiceEntry,
  page: PageRecord,
  { target, why }: Missed,
): Statement =>
  logStatement(ctx, page, 'page-missed', { target: targetName(entry, target), why: MISSED_WORDS[why] })

const logStatement = (
  ctx: WatchCtx,
  page: PageRecord,
  action: string,
  facts: Readonly<Record<string, string | number>>,
): Statement =>
  auditStatement(ctx, {
    actor: WATCH,
    action,
    subject: incidentIdOf(page) ?? page.serviceId,
    facts: { page: page.id, ...facts },
  })
