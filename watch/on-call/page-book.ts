/**
 * Pages as they stand. What the disk refuses stays in memory, is acted on from there, and is written down in the same order
 * once the disk is back: nobody waits for it, and nobody is called twice for the same step.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../kit/clock.ts'
import type { Log } from '../../kit/log.ts'
import { WatchError } from '../app/errors.ts'
import type { Troubles } from '../app/troubles.ts'
import { isDiskRefusal, type Statement, type Store } from '../store/index.ts'
import type { Notice } from '../telling/notices.ts'
import { sentAlreadyStatement } from '../telling/outbox.ts'
import type { SendOutcome } from '../telling/senders.ts'
import type { Subscription } from '../telling/subscriptions.ts'
import {
  findDelivery,
  findPage,
  insertPage,
  insertTold,
  listCurrentPages,
  listPages,
  listPagesOf,
  listTold,
  writePage,
  type PageRecord,
  type Told,
} from './page-records.ts'

/** A message that did not arrive is tried again after this, while only memory knows of it. */
const SEND_AGAIN_MS = 10_000
const TROUBLE = 'disk/pages'

/** A message to one receiver. */
export interface PageMessage {
  readonly notice: Notice
  readonly to: Subscription
  /** Put it into the outbox. */
  readonly statements: readonly Statement[]
}

/** What happens to pages at once: written in one unit. */
export interface PageUnit {
  /** `before` is null for a new page. */
  readonly changes: readonly { readonly after: PageRecord; readonly before: PageRecord | null }[]
  readonly told?: readonly Told[]
  readonly messages?: readonly PageMessage[]
  readonly statements?: readonly Statement[]
  /** An incident that has to be on the disk before it. */
  readonly incidentId?: string | null
}

export type SendNow = (to: Subscription, notice: Notice) => Promise<SendOutcome>

export interface PageBook {
  find(id: string): PageRecord | null
  /** Of one incident's ids or of another subject. */
  listOf(subjects: readonly string[]): PageRecord[]
  /** Those that are not over, the oldest first. */
  listCurrent(): PageRecord[]
  /** Newest first. */
  listLast(limit: number): PageRecord[]
  /** The first first. */
  listTold(pageId: string): Told[]
  /** How a message fared; null: its receiver is gone, or it was more than a week ago. */
  findDelivery(
    noticeId: string,
    subscriptionId: string,
  ): { readonly state: string; readonly error: string | null } | null
  /** Whether the disk has not taken all of it yet. */
  isUnwritten(pageId: string): boolean
  /**
   * Writes the unit, or keeps it in memory while the disk refuses.
   *
   * @throws {WatchError} changed-meanwhile when a page is not any more as it was
   */
  keep(unit: PageUnit): Promise<void>
  /** Writes down what is in memory only, as far as the disk takes it. */
  flush(): Promise<void>
  /** Sends what stands in no outbox yet, by hand. */
  sendUnwritten(send: SendNow): Promise<void>
}

interface Outgoing extends PageMessage {
  isSent: boolean
  error: string | null
  dueMs: number
}

interface Kept {
  readonly unit: PageUnit
  readonly outgoing: readonly Outgoing[]
}

export interface PageBookParts {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly troubles: Troubles
  /** Whether only memory knows of the incident. */
  readonly isIncidentUnwritten: (incidentId: string) => boolean
}

/** Begins with what is on the disk. */
export function createPageBook(parts: PageBookParts): PageBook {
  const { store, clock, troubles } = parts
  const pages = new Map<string, PageRecord>()
  const kept: Kept[] = []
  let last: Promise<unknown> = Promise.resolve()

  const overlay = (onDisk: readonly PageRecord[], isWanted: (page: PageRecord) => boolean): PageRecord[] => {
    const byId = new Map(onDisk.map((page) => [page.id, page]))
    for (const page of pages.values()) byId.set(page.id, page)
    return [...byId.values()].filter(isWanted)
  }

  /** There is one page of a turn, in memory as on the disk. */
  const turnOf = ({ subject, turn }: PageRecord): PageRecord | undefined =>
    overlay(listPagesOf(store, [subject]), (page) => page.subject === subject && page.turn === turn)[0]

  function remember(unit: PageUnit): void {
    for (const { after, before } of unit.changes) {
      const now = before === null ? turnOf(after) : (pages.get(after.id) ?? findPage(store, after.id))
      if (now?.state !== before?.state || now?.stepsTaken !== before?.stepsTaken)
        throw new WatchError('changed-meanwhile')
    }
    for (const { after } of unit.changes) pages.set(after.id, after)
    const outgoing = (unit.messages ?? []).map((message) => ({
      ...message,
      isSent: false,
      error: null,
      dueMs: Number.NEGATIVE_INFINITY,
    }))
    kept.push({ unit, outgoing })
    troubles.raise({
      id: TROUBLE,
      what: 'The disk takes nothing: people are called from memory, and that is not written down yet.',
      remedy:
        'Make room on the disk of the data folder, or end the process that holds watch.sqlite. Leave the watch running: after a ' +
        'restart it would know nothing of these calls.',
    })
  }

  async function keepNow(unit: PageUnit): Promise<void> {
    // In their order: what is in memory goes first.
    if (kept.length === 0) {
      try {
        await store.write(statementsOf(unit, []))
        return
      } catch (error) {
        if (!isDiskRefusal(error)) throw error
        if (isOnDisk(store, unit)) return
      }
    }
    remember(unit)
  }

  async function flushNow(): Promise<void> {
    while (kept.length > 0) {
      if (!(await writeDown(parts, kept[0]!))) return
      kept.shift()
    }
    pages.clear()
    troubles.end(TROUBLE)
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work)
    last = next.catch(() => {})
    return next
  }

  return {
    find: (id) => pages.get(id) ?? findPage(store, id),
    listOf: (subjects) => overlay(listPagesOf(store, subjects), ({ subject }) => subjects.includes(subject)),
    listCurrent: () =>
      overlay(listCurrentPages(store), ({ state }) => state !== 'over').sort(
        (a, b) => a.openedAtMs - b.openedAtMs,
      ),
    listLast: (limit) =>
      overlay(listPages(store, limit), () => true)
        .sort((a, b) => b.openedAtMs - a.openedAtMs)
        .slice(0, limit),
    listTold: (pageId) => [
      ...listTold(store, pageId),
      ...kept.flatMap(({ unit }) => (unit.told ?? []).filter((told) => told.pageId === pageId)),
    ],
    findDelivery(noticeId, subscriptionId) {
      const unwritten = kept
        .flatMap(({ outgoing }) => outgoing)
        .find(({ notice, to }) => notice.id === noticeId && to.id === subscriptionId)
      if (!unwritten) return findDelivery(store, noticeId, subscriptionId)
      return { state: unwritten.isSent ? 'sent' : 'waiting', error: unwritten.error }
    },
    isUnwritten: (pageId) => pages.has(pageId),
    keep: (unit) => inTurn(() => keepNow(unit)),
    flush: () => (kept.length === 0 ? Promise.resolve() : inTurn(flushNow)),
    sendUnwritten: (send) =>
      inTurn(async () => {
        const nowMs = clock.monotonicMs()
        const due = kept
          .flatMap(({ outgoing }) => outgoing)
          .filter(({ isSent, dueMs }) => !isSent && dueMs <= nowMs)
        await Promise.all(due.map((one) => sendOne(one, send, nowMs)))
      }),
  }
}

async function sendOne(outgoing: Outgoing, send: SendNow, nowMs: number): Promise<void> {
  const outcome = await send(outgoing.to, outgoing.notice)
  if (outcome.kind === 'sent') outgoing.isSent = true
  else outgoing.error = outcome.error
  // Who will never take it is asked again by the outbox, which notes that.
  const isFinal = outcome.kind === 'gone' || outcome.kind === 'impossible'
  outgoing.dueMs = isFinal ? Number.POSITIVE_INFINITY : nowMs + SEND_AGAIN_MS
}

/** Answers whether it need not be kept in memory any more. */
async function writeDown(parts: PageBookParts, { unit, outgoing }: Kept): Promise<boolean> {
  const { store, log, isIncidentUnwritten } = parts
  if (unit.incidentId != null && isIncidentUnwritten(unit.incidentId)) return false
  try {
    await store.write(statementsOf(unit, outgoing))
    return true
  } catch (error) {
    if (isDiskRefusal(error)) return isOnDisk(store, unit)
    // Nothing else writes pages, so this can't be; and it must not keep back what is behind it.
    log.error({ err: error }, 'paging.not-written-down')
    return true
  }
}

/** What went out by hand is in the outbox as sent from the beginning. */
const statementsOf = (unit: PageUnit, outgoing: readonly Outgoing[]): Statement[] => [
  ...unit.changes.map(({ after, before }) =>
    before === null ? insertPage(after) : writePage(after, before),
  ),
  ...(unit.told ?? []).map(insertTold),
  ...(unit.messages ?? []).flatMap(({ statements }) => statements),
  ...outgoing.filter(({ isSent }) => isSent).map(({ notice, to }) => sentAlreadyStatement(notice.id, to.id)),
  ...(unit.statements ?? []),
]

/** A writer that ends after the commit and before the answer has written it all the same. */
const isOnDisk = (store: Store, { changes }: PageUnit): boolean =>
  changes.every(({ after }) => isDeepStrictEqual(findPage(store, after.id), after))
