/** What the cockpit shows beside an incident: who was paged, who does what, and what to do first. */
import type { WatchCtx } from '../app/context.ts'
import { INCIDENT_ROLES, type ServiceEntry } from '../configuration/index.ts'
import { CAUSE_WORDS, type IncidentView } from '../incidents/index.ts'
import { formatDuration, formatInstant, formatTime } from '../pages/format.ts'
import { html, trusted, type Html } from '../pages/html.ts'
import { noticeIdOf } from './page-notices.ts'
import { listRoles, type HeldRole, type PageRecord, type Told } from './page-records.ts'
import { lastPageOf } from './paging.ts'
import type { Runbook } from './runbooks.ts'
import { holderOf } from './targets.ts'

const selected = (is: boolean) => is && trusted(' selected')

export const ROLE_WORDS: Readonly<Record<HeldRole['role'], string>> = {
  commander: 'Leads (commander)',
  communications: 'Speaks to people (communications)',
  operations: 'Works on it (operations)',
  scribe: 'Writes down (scribe)',
}

function describeDelivery({
  state,
  error,
}: {
  readonly state: string
  readonly error: string | null
}): string {
  if (state === 'sent') return 'handed over'
  if (state === 'given-up') return 'not delivered'
  return error === null ? 'on its way' : 'not delivered yet'
}

const CHANNEL_WORDS: Readonly<Record<string, string>> = {
  email: 'e-mail',
  webhook: 'webhook',
  slack: 'Slack',
  discord: 'Discord',
  push: 'browser',
}

/** A page with who was told, and by what. */
export interface PageView {
  readonly page: PageRecord
  /** The disk has not taken all of it yet. */
  readonly isUnwritten: boolean
  readonly told: readonly (Told & { readonly deliveries: readonly string[] })[]
}

export function viewOfPage(ctx: WatchCtx, page: PageRecord): PageView {
  return {
    page,
    isUnwritten: ctx.pages.isUnwritten(page.id),
    told: ctx.pages.listTold(page.id).map((told) => ({
      ...told,
      deliveries: told.channels.map(({ channel, subscriptionId }) => {
        const noticeId = noticeIdOf(page.id, String(told.step), told.personId)
        const delivery = ctx.pages.findDelivery(noticeId, subscriptionId)
        const how = delivery ? describeDelivery(delivery) : 'not known any more'
        return `${CHANNEL_WORDS[channel] ?? channel}: ${how}`
      }),
    })),
  }
}

/** The last page of an incident; null: nobody was paged. */
export function pageOfIncident(
  ctx: WatchCtx,
  incident: Pick<IncidentView, 'id' | 'witnesses'>,
): PageView | null {
  const page = lastPageOf(ctx, incident)
  return page && viewOfPage(ctx, page)
}

export interface PagingContext {
  readonly timeZone: string
  readonly now: Date
  /** Responders answer; observers look. */
  readonly mayAct: boolean
}

/** The page's state, everybody who was told, and the button to answer. */
export function renderPage(view: PageView, context: PagingContext): Html {
  const { page, told, isUnwritten } = view
  const canAnswer = page.state === 'paging' || page.state === 'unanswered'
  return html`<div class="card">
    <p class="${page.state === 'unanswered' ? 'err' : ''}">${describePage(page, context)}</p>
    ${isUnwritten && html`<p class="note">Not written down yet: the disk takes nothing, and people are called from memory.</p>`}
    ${told.length === 0 ? html`<p class="sub">Nobody was reached yet.</p>` : renderTold(told, context)}
    ${
      canAnswer &&
      context.mayAct &&
      html`<form method="post" action="/operate/pages/${page.id}/acknowledge" class="acts">
        <button class="btn main">I take it</button>
      </form>`
    }
  </div>`
}

/** In a sentence. */
export function describePage(page: PageRecord, { timeZone, now }: Omit<PagingContext, 'mayAct'>): string {
  const since = `Paged at ${formatTime(new Date(page.openedAtMs), timeZone)}`
  switch (page.state) {
    case 'paging':
      return `${since}, not answered yet. ${nextWords(page, now)}`
    case 'acknowledged':
      return `${since}, answered by ${shortName(page.acknowledgedBy!)} after ${formatDuration(page.acknowledgedAtMs! - page.openedAtMs)}.`
    case 'unanswered':
      return `${since}. Everybody was called as often as the plan says, and nobody has answered.`
    case 'over':
      return `${since}, ${page.acknowledgedBy === null ? 'never answered' : `answered by ${shortName(page.acknowledgedBy)} after ${formatDuration(page.acknowledgedAtMs! - page.openedAtMs)}`}; it is over.`
  }
}

const nextWords = (page: PageRecord, now: Date): string => {
  const leftMs = page.dueAtMs - now.getTime()
  const when = leftMs > 0 ? `in ${formatDuration(leftMs)}` : 'now'
  return page.isGapTold
    ? `A whole round reached nobody; it begins again ${when}.`
    : `The next step comes ${when}.`
}

/** `operator:ada` as people say it. */
export const shortName = (actor: string): string => actor.replace(/^(operator|on-call|key):/, '')

function renderTold(told: PageView['told'], { timeZone }: PagingContext): Html {
  return html`<div class="scroll">
    <table>
      <caption class="vh">
        Who was paged
      </caption>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">By</th>
        </tr>
      </thead>
      <tbody>
        ${told.map(
          ({ atMs, name, deliveries }) =>
            html`<tr>
              <td>${formatInstant(new Date(atMs), timeZone)}</td>
              <td>${name}</td>
              <td>${deliveries.join(', ')}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

export interface RolesInput {
  readonly incidentId: string
  readonly entry: ServiceEntry | undefined
  readonly roles: readonly HeldRole[]
  /** Names of those who sign in. */
  readonly operators: readonly string[]
  readonly mayAct: boolean
}

export const rolesOf = (ctx: WatchCtx, incidentId: string): HeldRole[] => listRoles(ctx.store, incidentId)

/** Who does what, and forms to change it. */
export function renderRoles(input: RolesInput): Html {
  const { entry, roles, mayAct } = input
  const holders = INCIDENT_ROLES.map((role) => {
    const held = roles.find((one) => one.role === role) ?? null
    const name = held && (entry ? holderOf(entry, held.person).name : shortName(held.person))
    return { role, held, name }
  })
  return html`<div class="card">
    ${holders.map(({ role, name }) => html`<p><b>${ROLE_WORDS[role]}:</b> ${name ?? 'nobody yet'}</p>`)}
    ${
      mayAct &&
      html`<details>
        <summary>Change who does what</summary>
        ${holders.map(({ role, held }) => renderRoleForm(input, role, held))}
      </details>`
    }
  </div>`
}

const renderRoleForm = (input: RolesInput, role: HeldRole['role'], held: HeldRole | null): Html =>
  html`<form class="acts" method="post" action="/operate/incidents/${input.incidentId}/roles">
    <input type="hidden" name="role" value="${role}" />
    <div class="grow">
      <label for="role-${role}">${ROLE_WORDS[role]}</label
      ><select id="role-${role}" name="person" required>
        ${held === null && html`<option value="">nobody yet</option>`}
        ${listChoices(input).map(({ value, words }) => html`<option value="${value}" ${selected(value === held?.person)}>${words}</option>`)}
      </select>
    </div>
    <button class="btn small">Set</button>
  </form>`

/** The file's people, then operators who are none of them. */
function listChoices({
  entry,
  operators,
}: Pick<RolesInput, 'entry' | 'operators'>): { readonly value: string; readonly words: string }[] {
  const people = entry?.onCall.people ?? []
  const known = new Set(people.map(({ operator }) => operator?.toLowerCase()))
  return [
    ...people.map(({ id, name }) => ({ value: `person:${id}`, words: name })),
    ...operators
      .filter((name) => !known.has(name.toLowerCase()))
      .map((name) => ({ value: `operator:${name}`, words: name })),
  ]
}

/** Runbooks, the first one open. */
export function renderRunbooks(runbooks: readonly Runbook[]): Html {
  return html`${runbooks.map(
    ({ cause, steps, isOwn }, rank) =>
      html`<details class="card" ${rank === 0 && trusted(' open')}>
        <summary>If it is ${CAUSE_WORDS[cause]}</summary>
        <ol class="prose numbered">
          ${steps.map((step) => html`<li>${step}</li>`)}
        </ol>
        ${!isOwn && html`<p class="faint">Steps that fit any service; the service’s file can hold your own (onCall.runbooks.${cause}).</p>`}
      </details>`,
  )}`
}
