/** What a service says of itself, out of Upbeat's state, Statuspage's summary or an RSS or Atom feed. Pure. */
import { Restoration } from '../../../contract/operations.ts'
import { FEATURES, ServiceState, type Feature, type FeatureState } from '../../../contract/state.ts'
import type { WordSample } from '../../../engines/detect/types.ts'
import {
  isWorseMode,
  type Announcement,
  type Declared,
  type DeclaredView,
  type RestorationStepView,
} from '../../incidents/index.ts'

export type Word = Pick<WordSample, 'featureId' | 'status'>

const STATUSES: Readonly<Record<string, WordSample['status']>> = {
  operational: 'operational',
  degraded_performance: 'degraded',
  partial_outage: 'partial',
  major_outage: 'major',
  under_maintenance: 'maintenance',
}
const INDICATORS: Readonly<Record<string, WordSample['status']>> = {
  none: 'operational',
  minor: 'degraded',
  major: 'partial',
  critical: 'major',
  maintenance: 'maintenance',
}

/** A feed that can't be understood: it says nothing, and certainly not that all is well. */
export class UnreadableWordError extends Error {}

/**
 * `summary.json` of Statuspage v2.
 *
 * @throws {UnreadableWordError}
 */
export function readStatuspage(text: string, features: Readonly<Record<string, string>>): Word[] {
  let body: { status?: { indicator?: unknown }; components?: unknown }
  try {
    body = JSON.parse(text) as typeof body
  } catch (error) {
    throw new UnreadableWordError('It is no JSON.', { cause: error })
  }
  const indicator = lookUp(INDICATORS, body?.status?.indicator)
  if (indicator === undefined) throw new UnreadableWordError('It has no status.indicator that is known.')
  const words: Word[] = [{ featureId: null, status: indicator }]
  for (const component of Array.isArray(body.components) ? (body.components as unknown[]) : []) {
    const { name, status } = (component ?? {}) as { name?: unknown; status?: unknown }
    const featureId = Object.hasOwn(features, String(name)) ? features[String(name)]! : null
    const known = lookUp(STATUSES, status)
    if (featureId !== null && known !== undefined) words.push({ featureId, status: known })
  }
  return words
}

const STATUS_OF_MODE: Readonly<Record<FeatureState['mode'], WordSample['status']>> = {
  on: 'operational',
  reduced: 'operational',
  cached: 'degraded',
  shared: 'degraded',
  kept: 'partial',
  paused: 'major',
}
const WINDOW_STATUS = { announced: 'scheduled', 'under-way': 'in_progress', verifying: 'verifying' } as const
const BY_BADNESS: readonly WordSample['status'][] = [
  'operational',
  'maintenance',
  'degraded',
  'partial',
  'major',
]

export interface StateWord {
  readonly words: Word[]
  /** Without the way back, which is told elsewhere. */
  readonly declared: Omit<DeclaredView, 'readAtMs' | 'restoration'>
  readonly announcement: Announcement | null
}

/**
 * `/api/v1/state` of an Upbeat platform: how each feature works, and its maintenance.
 *
 * @param features feature of the platform → feature of the service's file; several may stand for one, whose word is that
 *   of the worst
 * @throws {UnreadableWordError}
 */
export function readState(text: string, features: Readonly<Record<string, string>>): StateWord {
  let state: ServiceState
  try {
    state = ServiceState.parse(JSON.parse(text))
  } catch (error) {
    throw new UnreadableWordError('It is no state of an Upbeat platform.', { cause: error })
  }
  const byFeature = new Map<string, WordSample['status']>()
  for (const feature of FEATURES) {
    const featureId = features[feature]
    if (featureId === undefined) continue
    const status = statusOf(feature, state)
    const known = byFeature.get(featureId) ?? 'operational'
    byFeature.set(featureId, BY_BADNESS.indexOf(status) > BY_BADNESS.indexOf(known) ? status : known)
  }
  const { maintenance } = state
  return {
    declared: declaredOf(state, features),
    words: [
      {
        featureId: null,
        status: state.level === 0 ? 'operational' : state.level >= 4 ? 'partial' : 'degraded',
      },
      ...[...byFeature].map(([featureId, status]) => ({ featureId, status })),
    ],
    announcement: maintenance && {
      id: maintenance.id,
      status: WINDOW_STATUS[maintenance.state],
      startsAtMs: Date.parse(maintenance.startsAt),
      endsAtMs: Date.parse(maintenance.endsAt),
      text: maintenance.text,
    },
  }
}

function declaredOf(state: ServiceState, names: Readonly<Record<string, string>>): StateWord['declared'] {
  const features = new Map<string, Declared>()
  for (const feature of FEATURES) {
    const featureId = names[feature]
    const { mode, since, until, ...rest } = state.features[feature]
    if (featureId === undefined || mode === 'on') continue
    const known = features.get(featureId)
    if (known && !isWorseMode(mode, known.mode)) continue
    const [sinceMs, untilMs] = [Date.parse(since), until === null ? null : Date.parse(until)]
    features.set(featureId, { ...rest, mode, sinceMs, untilMs })
  }
  const { level, since, order, takenBack } = state
  return {
    takenBack: takenBack && {
      what: takenBack.what,
      atMs: Date.parse(takenBack.at),
      reason: takenBack.reason,
      wasUsed: takenBack.wasUsed,
    },
    level,
    sinceMs: Date.parse(since),
    order: order && {
      level: order.level,
      reason: order.reason,
      sinceMs: Date.parse(order.since),
      untilMs: Date.parse(order.until),
    },
    features,
    regions: (state.regions ?? []).filter((region) => region.state !== 'serving'),
  }
}

/** `/api/v1/state/restoration` of an Upbeat platform; empty where that can't be understood. */
export function readRestoration(text: string): RestorationStepView[] {
  const told = Restoration.safeParse(parseJson(text))
  if (!told.success) return []
  return told.data.timeline.slice(-STEPS_READ_MAX).map(({ step, at, share, why }) => ({
    step: step.slice(0, 60),
    atMs: Date.parse(at),
    share,
    why: why.slice(0, 200),
  }))
}

const STEPS_READ_MAX = 60

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function statusOf(feature: Feature, { features }: ServiceState): WordSample['status'] {
  const { mode, reason } = features[feature]
  return mode !== 'on' && reason === 'maintenance' ? 'maintenance' : STATUS_OF_MODE[mode]
}

/** Not what every object has besides: `constructor` is no status. */
const lookUp = (
  words: Readonly<Record<string, WordSample['status']>>,
  word: unknown,
): WordSample['status'] | undefined =>
  typeof word === 'string' && Object.hasOwn(words, word) ? words[word] : undefined

/** How long an entry of a feed that nobody calls resolved counts as still true. */
const ENTRY_HOLDS_MS = 24 * 3_600_000
const ENTRIES_MAX = 200
const ENTRY_MAX_LENGTH = 65_536

/**
 * RSS 2.0 or Atom: the newest entry speaks, as far as its words can be read.
 *
 * @throws {UnreadableWordError}
 */
export function readFeed(text: string, nowMs: number): Word[] {
  if (!/<(?:rss|feed|rdf:RDF)[\s>]/i.test(text)) throw new UnreadableWordError('It is no RSS or Atom feed.')
  const entries = entriesOf(text)
  if (entries.length === 0 && /<(?:item|entry)[\s>]/i.test(text))
    throw new UnreadableWordError('Its entries never end.')
  const newest = entries
    .map((entry) => ({
      atMs: Date.parse(/<(?:pubDate|updated|published|dc:date)[^<>]*>([^<]+)</i.exec(entry)?.[1] ?? ''),
      entry,
    }))
    .filter(({ atMs }) => Number.isFinite(atMs) && atMs <= nowMs + 3_600_000)
    .sort((a, b) => b.atMs - a.atMs)[0]
  if (!newest || nowMs - newest.atMs > ENTRY_HOLDS_MS) return [{ featureId: null, status: 'operational' }]
  return [{ featureId: null, status: statusOfWords(plain(newest.entry)) }]
}

/** What stands between the tags of each entry, in one pass: a feed of nothing but beginnings must not hold up the watch. */
function entriesOf(text: string): string[] {
  const entries: string[] = []
  let open: { readonly name: string; readonly from: number } | null = null
  for (const { 0: tag, 1: slash, 2: name, index } of text.matchAll(/<(\/?)(item|entry)(?=[\s>])/gi)) {
    if (slash === '') open ??= { name: name!.toLowerCase(), from: index + tag.length }
    else if (open?.name === name!.toLowerCase()) {
      entries.push(text.slice(open.from, Math.min(index, open.from + ENTRY_MAX_LENGTH)))
      open = null
      if (entries.length === ENTRIES_MAX) break
    }
  }
  return entries
}

function statusOfWords(words: string): WordSample['status'] {
  if (/\b(?:resolved|completed|back to normal|fully restored|operating normally)\b/i.test(words))
    return 'operational'
  if (/\b(?:scheduled )?maintenance\b/i.test(words)) return 'maintenance'
  if (/\b(?:major|complete|full|widespread) (?:service )?(?:outage|disruption)|\bis down\b/i.test(words))
    return 'major'
  if (/\b(?:partial|some|outage|unavailable|investigating|identified)\b/i.test(words)) return 'partial'
  return 'degraded'
}

/**
 * Its text: Statuspage puts escaped HTML with the newest update first into one entry, so the first words count. No pattern
 * runs past the next `<`: what is hostile takes no longer than what is not.
 */
function plain(entry: string): string {
  return entry
    .replaceAll('<![CDATA[', '')
    .replaceAll(']]>', '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replace(/<(?:link|guid|id|pubDate|updated|published)[^<>]*>[^<]*<\/[^<>]+>/gi, ' ')
    .replace(/<[^<>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 600)
}
