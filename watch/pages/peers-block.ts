/** What other watches say, beside what this one says: each view under its own name, never mixed. */
import { type IncidentView, joinNames, type PeerView, type StatusView } from '../incidents/index.ts'
import { formatDuration } from './format.ts'
import { html, type Html } from './html.ts'
import { renderTime, type BlockContext } from './incident-block.ts'
import { icon } from './layout.ts'
import { renderSeenBy } from './seen-by.ts'
import { indicatorWords, outageStateWords } from './words.ts'

const nameOf = (watch: string | null): string => (watch === null ? 'The second watch' : `Watch ${watch}`)

/** Watches that can't be heard, or don't agree with this one. */
const apartFrom = ({ peers = [] }: StatusView): PeerView[] =>
  peers.filter((peer) => peer.isSilent || peer.disagreesOn.length > 0)

/** Whether there is more than one view, so that none may stand for all. */
export const hasTwoViews = (view: StatusView): boolean => apartFrom(view).length > 0

/** Two views, labelled, while the watches can't hear each other or don't agree; null while they are one. */
export function renderTwoViews(context: BlockContext): Html | null {
  const apart = apartFrom(context.view)
  if (apart.length === 0) return null
  const { view } = context
  return html`<section class="card" aria-labelledby="h-views">
    <h2 id="h-views">Two views</h2>
    <p class="sub">${apart.map((peer) => `${whyApart(peer, context)} `)}</p>
    <ul>
      <li class="comp s-${keyOf(view)}">
        <div class="row">
          ${icon(keyOf(view))}
          <h3>This watch</h3>
        </div>
        <p class="sub">
          <b>${wordsOf(view)}.</b>
          ${view.asOfMs === null ? 'It has measured nothing yet.' : html`It looked ${since(view.asOfMs, context)} ago.`}
        </p>
      </li>
      ${apart.map((peer) => renderPeer(peer, context))}
    </ul>
  </section>`
}

function renderPeer(peer: PeerView, context: BlockContext): Html {
  const { word } = peer
  const key = word === null ? 'unknown' : keyOf(word)
  const name = nameOf(peer.watch)
  return html`<li class="comp s-${key}">
    <div class="row">
      ${icon(key)}
      <h3>${peer.url === null ? name : html`<a href="${peer.url}">${name}</a>`}</h3>
    </div>
    <p class="sub">
      <b>${word === null ? 'Nothing known' : wordsOf(word)}.</b> ${
        peer.heardAtMs === null
          ? 'It was never heard.'
          : html`It said so ${since(peer.heardAtMs, context)} ago (${renderTime(peer.heardAtMs, context)}).`
      }
    </p>
  </li>`
}

function whyApart(peer: PeerView, { view, now }: BlockContext): string {
  const name = nameOf(peer.watch)
  if (peer.heardAtMs === null) return `${name} has not been reached yet.`
  if (peer.isSilent)
    return `${name} has been silent for ${formatDuration(now.getTime() - peer.heardAtMs)}: what it said last may be out of date.`
  const names = peer.disagreesOn.map((slug) => view.components.find((one) => one.slug === slug)?.name ?? slug)
  return `${name} and this watch do not agree on ${joinNames(names)}.`
}

interface Word {
  readonly asOfMs: number | null
  readonly isBlind: boolean
  readonly indicator: Parameters<typeof indicatorWords>[0]
}

const isUnknown = (word: Word): boolean => word.indicator === 'none' && (word.isBlind || word.asOfMs === null)

const wordsOf = (word: Word): string => (isUnknown(word) ? 'No evidence now' : indicatorWords(word.indicator))

/** Keys of colours and pictures. */
function keyOf(word: Word): string {
  if (isUnknown(word)) return 'unknown'
  const keys = {
    none: 'operational',
    minor: 'degraded_performance',
    major: 'partial_outage',
    critical: 'major_outage',
    maintenance: 'under_maintenance',
  }
  return keys[word.indicator]
}

const since = (atMs: number, { now }: BlockContext): string => formatDuration(now.getTime() - atMs)

/** What each watch says of the incident, as a table; null while this watch alone saw it. */
export function renderWitnesses(incident: IncidentView, context: BlockContext): Html | null {
  const witnesses = incident.witnesses ?? []
  if (witnesses.every(({ isSelf }) => isSelf)) return null
  return html`<section>
    <h2>What each watch says</h2>
    <div class="card">
      ${renderSeenBy(incident, context)}
      <div class="scroll">
        <table>
          <caption class="vh">
            What each watch says of it
          </caption>
          <thead>
            <tr>
              <th scope="col">Watch</th>
              <th scope="col">Says</th>
              <th scope="col">Began</th>
              <th scope="col">Over</th>
              <th scope="col">Last word</th>
            </tr>
          </thead>
          <tbody>
            ${witnesses.map(
              (witness) =>
                html`<tr>
                  <td>${witness.watch}${witness.isSelf && ' (this one)'}</td>
                  <td>${witness.isAdopted ? 'Saw nothing itself' : outageStateWords[witness.state]}</td>
                  <td>${renderTime(witness.startedAtMs, context)}</td>
                  <td>${witness.overAtMs === null ? '–' : renderTime(witness.overAtMs, context)}</td>
                  <td>${renderTime(witness.saidAtMs, context)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </div>
  </section>`
}
