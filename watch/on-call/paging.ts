/** Pages people: opens a page for what is severe enough, escalates it until somebody answers, ends it with its outage. */
import { createRateBucket, type RateBucket } from '../../kit/bounded/rate-bucket.ts'
import { startRepeating } from '../../kit/repeat.ts'
import { WATCH } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import {
  auditStatement,
  findIncident,
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
import type { SendNow } from './page-book.ts'
import { pageMessages } from './page-notices.ts'
import { incidentIdOf, subjectOfBlindness, subjectOfIncident, type PageRecord } from './page-records.ts'
import { MISSED_WORDS, resolveTargets, targetName, type Missed } from './targets.ts'
import { toldMessages } from './told-again.ts'

const ROUND_MS = 1_000
/** A whole round that reached nobody is gone through again after this: somebody may be on call by then. */
const GAP_RETRY_MS = 5 * 60_000
/** Calls at once for one service by the word of one other watch, and in how long as many again. */
export const PEER_PAGES_MAX = 10
const PEER_PAGES_MS = 6 * 3_600_000

export interface Paging extends AsyncDisposable {
  /** Does all that is due now; for tests. */
  round(): Promise<void>
}

/** Goes on with the pages that were open before a restart. @param telling sends while the disk refuses; left out: that waits */
export function startPaging(
  ctx: WatchCtx,
  links: PageLinks,
  telling?: { readonly sendNow: SendNow },
): Paging {
  const blindSinceMs = new Map<string, number>()
  const theirs = createRateBucket({ burst: PEER_PAGES_MAX, refillMs: PEER_PAGES_MS, clock: ctx.clock })

  async function round(): Promise<void> {
    await ctx.pages.flush()
    for (const entry of ctx.catalog.services()) {
      await settle(ctx, entry.id, () => pageOutages(ctx, entry, theirs))
      await settle(ctx, entry.id, () => pageBlindness(ctx, entry, blindSinceMs))
    }
    for (const page of ctx.pages.listCurrent()) await settle(ctx, page.id, () => advance(ctx, links, page))
    if (telling) await ctx.pages.sendUnwritten(telling.sendNow)
  }

  const repeating = startRepeating({
    intervalMs: ROUND_MS,
    work: round,
    onError: (error) => ctx.log.error({ err: error }, 'paging.round-failed'),
  })
  return {
    round,
    async [Symbol.asyncDispose]() {
      await repeating[Symbol.asyncDispose]()
      await ctx.pages.flush()
    },
  }
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

async function pageOutages(ctx: WatchCtx, entry: ServiceEntry, theirs: RateBucket): Promise<void> {
  if (entry.onCall.escalation.length === 0) return
  let isRefused = false
  for (const incident of listOpenIncidents(ctx, entry.id)) {
    const last = lastPageOf(ctx, incident)
    if (last?.state === 'over' && !isBrokenAnew(incident, last)) continue
    const { confirmedAtMs, impact, relapses } = incident
    const outage = { isConfirmed: confirmedAtMs !== null, isOver: false, impact, relapses }
    if (!needsPage(outage, last, entry.onCall.pageFrom)) continue
    if (!seesItself(ctx, entry, incident, last) && !hasRoom(theirs, entry, incident)) {
      isRefused = true
      continue
    }
    // It goes on under the id by which people were called before, whichever watch gave it.
    await openPage(ctx, entry, { subject: last?.subject ?? subjectOfIncident(incident.id), last, outage })
  }
  sayRefused(ctx, entry, isRefused)
}

/** Whether this watch's own word of the incident is one to call for, whatever others say of it. */
function seesItself(
  ctx: WatchCtx,
  { onCall }: ServiceEntry,
  { id, witnesses }: IncidentView,
  last: PageRecord | null,
): boolean {
  if (witnesses === undefined) return true
  const own = ctx.live.findUnwritten(id)?.record ?? findIncident(ctx.store, id)
  if (!own || own.facts.isAdopted) return false
  const { impact, relapses } = own.facts
  const outage = {
    isConfirmed: own.confirmedAtMs !== null,
    isOver: own.resolvedAtMs !== null,
    impact,
    relapses,
  }
  return needsPage(outage, last, onCall.pageFrom)
}

/** Whether one of the others that tell of it may still have people called. */
const hasRoom = (theirs: RateBucket, { id }: ServiceEntry, { witnesses = [] }: IncidentView): boolean =>
  witnesses.some(({ watch, isSelf }) => !isSelf && theirs.take(`${id} ${watch}`) === 0)

function sayRefused(ctx: WatchCtx, { id: serviceId }: ServiceEntry, isRefused: boolean): void {
  const id = `peer-pages/${serviceId}`
  if (!isRefused) return ctx.troubles.end(id)
  ctx.troubles.raise({
    id,
    what: `Another watch tells of more outages of ${serviceId} than people are called for: ${PEER_PAGES_MAX} at once, then one in 36 minutes.`,
    remedy:
      'Look at what the other watch shows. If it is not itself any more, take its key out of WATCH_PEER_KEY.',
  })
}

/** One that is not over stands before all that are; else the one that was opened last. */
function lastOf(ctx: WatchCtx, subjects: readonly string[]): PageRecord | null {
  const pages = ctx.pages.listOf(subjects).sort((a, b) => b.openedAtMs - a.openedAtMs || b.turn - a.turn)
  return pages.find(({ state }) => state !== 'over') ?? pages[0] ?? null
}

/** Calls that nobody has answered, as long as what they are about is not over; the oldest first. */
export const listUnanswered = (ctx: WatchCtx): PageRecord[] =>
  ctx.pages.listCurrent().filter(({ state }) => state === 'paging' || state === 'unanswered')

/** By whichever of its ids people were called. */
export const lastPageOf = (
  ctx: WatchCtx,
  incident: Pick<IncidentView, 'id' | 'witnesses'>,
): PageRecord | null => lastOf(ctx, idsOf(incident).map(subjectOfIncident))

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
  const last = lastOf(ctx, [subject])
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
  const ended = last && last.state !== 'over' ? [last] : []
  await ctx.pages.keep({
    changes: [
      ...ended.map((before) => ({
        after: { ...before, state: 'over', overAtMs: nowMs } as const,
        before,
      })),
      { after: page, before: null },
    ],
    statements: [logStatement(ctx, page, 'open-page', { turn: page.turn })],
  })
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
    isPartOfEarlier(ctx, page, incident)
  )
}

/** Whether people are called for the same incident by an earlier page: two incidents turned out to be one. */
const isPartOfEarlier = (ctx: WatchCtx, page: PageRecord, incident: IncidentView): boolean =>
  ctx.pages
    .listOf(idsOf(incident).map(subjectOfIncident))
    .some(
      ({ id, state, openedAtMs }) =>
        state !== 'over' &&
        (openedAtMs < page.openedAtMs || (openedAtMs === page.openedAtMs && id < page.id)),
    )

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
    const made = pageMessages(ctx, links, { page, entry, person, receivers, key, word: 'page' })
    const facts = {
      pageId: page.id,
      step: step.step,
      personId: person.id,
      name: person.name,
      via,
      atMs: nowMs,
    }
    const log = logStatement(ctx, page, 'page', {
      person: person.name,
      via: targetName(entry, via),
      step: step.step + 1,
      channels: made.channels.map(({ channel }) => channel).join(' '),
    })
    return { messages: made.messages, told: { ...facts, channels: made.channels }, log }
  })
  const after = { ...page, stepsTaken: step.step + 1, dueAtMs: nowMs + step.waitMs }
  await ctx.pages.keep({
    changes: [{ after, before: page }],
    told: told.map((one) => one.told),
    messages: told.flatMap(({ messages }) => messages),
    statements: [
      ...told.map(({ log }) => log),
      ...missed.map((miss) => missStatement(ctx, entry, page, miss)),
    ],
  })
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
  const isRoundEmpty = isRoundOver && !ctx.pages.listTold(page.id).some((told) => told.step >= roundBegan)
  const nowMs = ctx.clock.now().getTime()
  const after: PageRecord = isRoundEmpty
    ? { ...page, stepsTaken: roundBegan, dueAtMs: nowMs + GAP_RETRY_MS, isGapTold: true }
    : { ...page, stepsTaken: step.step + 1, dueAtMs: nowMs }
  const isNews = !page.isGapTold
  await ctx.pages.keep({
    changes: [{ after, before: page }],
    statements: [
      ...(isNews ? missed.map((miss) => missStatement(ctx, entry, page, miss)) : []),
      ...(isNews && isRoundEmpty ? [logStatement(ctx, page, 'page-reached-nobody', {})] : []),
    ],
  })
  return isRoundEmpty ? null : after
}

async function giveUp(ctx: WatchCtx, page: PageRecord): Promise<null> {
  await ctx.pages.keep({
    changes: [{ after: { ...page, state: 'unanswered' }, before: page }],
    statements: [logStatement(ctx, page, 'page-unanswered', { steps: page.stepsTaken })],
  })
  return null
}

/** Whoever was told hears that it is over. */
async function endPage(
  ctx: WatchCtx,
  links: PageLinks,
  entry: ServiceEntry | undefined,
  page: PageRecord,
): Promise<void> {
  await ctx.pages.keep({
    changes: [{ after: { ...page, state: 'over', overAtMs: ctx.clock.now().getTime() }, before: page }],
    messages: entry ? toldMessages(ctx, links, { entry, page, word: 'over' }) : [],
    statements: [logStatement(ctx, page, 'end-page', {})],
  })
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
