/** What a page says: what is wrong, what to do first, and where to answer. */
import type { WatchCtx } from '../app/context.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { describeCause, incidentById, type IncidentView } from '../incidents/index.ts'
import type { Notice } from '../telling/notices.ts'
import { tellOneStatements } from '../telling/outbox.ts'
import type { PageMessage } from './page-book.ts'
import { incidentIdOf, type PageRecord, type ToldChannel } from './page-records.ts'
import type { PageLinks } from './links.ts'
import type { Receiver } from './receivers.ts'
import { runbookOf } from './runbooks.ts'

const STEPS_IN_PAGE = 4

/** What a page is about, in words. */
export interface Subject {
  readonly title: string
  readonly body: string
  readonly incident: IncidentView | null
}

export function subjectOf(ctx: WatchCtx, entry: ServiceEntry | undefined, page: PageRecord): Subject {
  const incidentId = incidentIdOf(page)
  const incident = incidentId === null ? null : incidentById(ctx, incidentId)
  if (incident) return { title: incident.title, body: incident.updates[0]?.body ?? '', incident }
  if (incidentId !== null)
    return {
      title: `An outage of ${entry?.name ?? page.serviceId}`,
      body: 'Nothing more is known of it here: the watch that saw it says no more, or its words are not kept any longer.',
      incident: null,
    }
  return {
    title: `The watch is blind to ${entry?.name ?? page.serviceId}`,
    body: 'The watch itself has had no connection, so nobody sees an outage now. Look at its machine and its network.',
    incident: null,
  }
}

export type PageWord = 'page' | 'acknowledged' | 'over'

export interface PageWords {
  readonly page: PageRecord
  readonly entry: ServiceEntry
  readonly person: { readonly id: string }
  readonly receivers: readonly Receiver[]
  /** Tells apart what one person is told of one page: a step, or a word that is said once. */
  readonly key: string
  readonly word: PageWord
  /** For `acknowledged`: by whom. */
  readonly by?: string
}

/** The message to each receiver of one person, and the names under which their delivery is found again. */
export function pageMessages(
  ctx: WatchCtx,
  links: PageLinks,
  words: PageWords,
): { readonly messages: PageMessage[]; readonly channels: ToldChannel[] } {
  const notice = makeNotice(ctx, links, words)
  const { receivers } = words
  return {
    messages: receivers.map(({ subscriptionId, to, statements }) => ({
      notice,
      to,
      statements: [...statements, ...tellOneStatements(ctx, notice, subscriptionId)],
    })),
    channels: receivers.map(({ channel, subscriptionId }) => ({ channel, subscriptionId })),
  }
}

export const noticeIdOf = (pageId: string, key: string, personId: string): string =>
  `page-${pageId}-${key}-${personId}`

function makeNotice(ctx: WatchCtx, links: PageLinks, words: PageWords): Notice {
  const { page, entry, person, key, word, by } = words
  const subject = subjectOf(ctx, entry, page)
  const { incident } = subject
  const { title, body } =
    word === 'over' && incidentIdOf(page) === null
      ? { title: `The watch sees ${entry.name} again`, body: 'It has a connection again.' }
      : subject
  return {
    id: noticeIdOf(page.id, key, person.id),
    kind: 'page',
    serviceId: entry.id,
    serviceName: entry.name,
    subjectId: incident?.id ?? '',
    title,
    state: word === 'over' && isPart(incident) ? 'Part of another incident' : stateWords(word, by),
    body: word === 'page' ? [body, ...firstSteps(entry, incident)].join('\n') : body,
    cause: incident && (incident.declared || incident.cause !== 'unknown') ? describeCause(incident) : null,
    advice: null,
    atMs: ctx.clock.now().getTime(),
    featureIds: [],
    regions: [],
    link: links.linkFor(page.id, person.id),
  }
}

/** An operator merged it, or two watches tell of one; else it would be over. */
const isPart = (incident: IncidentView | null): boolean =>
  incident !== null && (incident.mergedInto !== null || incident.resolvedAtMs === null)

function stateWords(word: PageWord, by: string | undefined): string {
  if (word === 'page') return 'You are paged'
  if (word === 'acknowledged') return `Answered by ${by}`
  return 'Over'
}

function firstSteps(entry: ServiceEntry, incident: IncidentView | null): string[] {
  if (!incident) return []
  const { steps } = runbookOf(entry, incident.cause)
  return ['', 'First steps:', ...steps.slice(0, STEPS_IN_PAGE).map((step, i) => `${i + 1}. ${step}`)]
}
