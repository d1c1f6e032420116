/**
 * People who act without pause, and an account of what was acknowledged to them; compared afterwards with what is there.
 *
 * Each person does one thing after the other, so that the order of what one does is known. What got no answer, or a
 * refusal, may or may not have happened, until the same person does something acknowledged about the same thing.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import type { Audience } from './audience.ts'
import type { DrillClient } from '../../rig/people/client.ts'

const PATIENCE_MS = 4_000
const EVERY_MS = 300
/** Longer, and a person wonders whether it was taken. */
const NOTICED_MS = 1_000
/** A comment is the dearest: one in so many acts, below the limit of one account. */
const KINDS = ['like', 'view', 'save', 'view', 'follow', 'view', 'like', 'comment'] as const
export type ActKind = (typeof KINDS)[number]

export interface Act {
  readonly kind: ActKind
  /** Who did what: for telling the story of what got lost. */
  readonly words: string
  readonly atMs: number
  readonly tookMs: number
  /** 0: there was no answer. */
  readonly status: number
  /** The stable code of a refusal. */
  readonly code: string | null
}

/** Likes, saves and follows: what may be true now. One value: it is known. */
export type Marks = Map<string, Set<boolean>>

export interface PersonAccount {
  readonly person: DrillClient
  /** What the person did so far. */
  count: number
  readonly marks: Marks
  /** By text: its key, and whether it was acknowledged. */
  readonly comments: Map<string, { readonly videoId: string; readonly key: string; isAcknowledged: boolean }>
  /** By video: the longest acknowledged showing, and the longest that was sent. */
  readonly views: Map<string, { acknowledgedMs: number; sentMs: number }>
}

export interface Ledger {
  readonly accounts: readonly PersonAccount[]
  /** What was tried so far; it grows. */
  readonly acts: readonly Act[]
  /** Of what was begun in this time, the share that was acknowledged while a person looked; null: nothing was begun. */
  shareAcknowledged(fromMs: number, toMs: number, kinds?: readonly ActKind[]): number | null
  /** Lets everyone finish what they do. */
  stop(): Promise<void>
}

/**
 * Everyone in the audience begins to act, until `stop`.
 *
 * @param before the ledger of the same people until now, which goes on
 */
export function startActing(audience: Audience, before: Ledger | null = null): Ledger {
  const acts: Act[] = []
  let isEnding = false
  const accounts =
    before?.accounts ??
    audience.people.map((person): PersonAccount => {
      return { person, marks: new Map(), comments: new Map(), views: new Map(), count: 0 }
    })
  const running = accounts.map(async (account, index) => {
    await sleep((index * EVERY_MS) / accounts.length)
    while (!isEnding) {
      acts.push(await actOnce(account, audience, { n: index + account.count++, index }))
      await sleep(EVERY_MS)
    }
  })
  return {
    accounts,
    acts,
    shareAcknowledged(fromMs, toMs, kinds = KINDS) {
      const begun = acts.filter(({ atMs, kind }) => atMs >= fromMs && atMs < toMs && kinds.includes(kind))
      const done = begun.filter((act) => isAcknowledged(act) && act.tookMs <= NOTICED_MS)
      return begun.length === 0 ? null : done.length / begun.length
    },
    async stop() {
      isEnding = true
      await Promise.all(running)
    },
  }
}

const isAcknowledged = ({ status }: { readonly status: number }) => status >= 200 && status < 300

/** What the person did about it last, to be read. */
export function tellStory(acts: readonly Act[], handle: string, path: string): string {
  const own = acts.filter(({ words }) => words.startsWith(`${handle} `) && words.endsWith(` ${path}`))
  return own
    .slice(-3)
    .map(({ words, status, atMs, tookMs }) => {
      const time = new Date(atMs).toISOString().slice(17, 23)
      return `${words.split(' ')[1]} ${status} at ${time}, ${tookMs} ms`
    })
    .join(' | ')
}

/** The refusals and silences of acts, counted, to be read. */
export function describeRefusals(acts: readonly Act[]): string {
  const counts = new Map<string, number>()
  for (const act of acts.filter((each) => !isAcknowledged(each))) {
    const words = act.status === 0 ? 'no answer' : `${act.status} ${act.code ?? ''}`.trim()
    counts.set(words, (counts.get(words) ?? 0) + 1)
  }
  return [...counts].map(([words, count]) => `${count} × ${words}`).join(', ') || 'no refusal'
}

async function actOnce(
  account: PersonAccount,
  audience: Audience,
  { n, index }: { readonly n: number; readonly index: number },
): Promise<Act> {
  const kind = KINDS[n % KINDS.length]!
  const round = Math.floor(n / KINDS.length)
  const videoId = audience.videoIds[round % audience.videoIds.length]!
  if (kind === 'comment')
    return comment(account, videoId, `comment ${index}.${n} ${randomUUID().slice(0, 8)}`)
  // Its last digit tells whose it is.
  if (kind === 'view') return view(account, videoId, { watchedMs: 2_000 + n * 10 + index })
  const { people } = audience
  const path =
    kind === 'follow'
      ? `/profiles/${people[(index + 1 + (round % (people.length - 1))) % people.length]!.handle}/follow`
      : `/videos/${videoId}/${kind}`
  return mark(account, kind, path)
}

/** The opposite of what was done last. */
async function mark(account: PersonAccount, kind: ActKind, path: string): Promise<Act> {
  const before = account.marks.get(path) ?? new Set([false])
  const wanted = before.size > 1 || !before.has(true)
  // Whoever looks meanwhile may see either.
  account.marks.set(path, new Set([...before, wanted]))
  const act = await attempt(account.person, kind, wanted ? 'PUT' : 'DELETE', path)
  if (isAcknowledged(act)) account.marks.set(path, new Set([wanted]))
  return act
}

async function comment(account: PersonAccount, videoId: string, body: string): Promise<Act> {
  const key = uuidv7()
  const entry = { videoId, key, isAcknowledged: false }
  account.comments.set(body, entry)
  const act = await attempt(account.person, 'comment', 'POST', `/videos/${videoId}/comments`, {
    body: { body },
    headers: { 'idempotency-key': key },
  })
  entry.isAcknowledged = isAcknowledged(act)
  return act
}

async function view(
  account: PersonAccount,
  videoId: string,
  { watchedMs }: { readonly watchedMs: number },
): Promise<Act> {
  const known = account.views.get(videoId) ?? { acknowledgedMs: 0, sentMs: 0 }
  account.views.set(videoId, known)
  known.sentMs = Math.max(known.sentMs, watchedMs)
  const report = { videoId, key: uuidv7(), watchedMs, completions: 0, source: 'for-you' }
  const act = await attempt(account.person, 'view', 'POST', '/views', { body: { views: [report] } })
  if (isAcknowledged(act)) known.acknowledgedMs = Math.max(known.acknowledgedMs, watchedMs)
  return act
}

async function attempt(
  person: DrillClient,
  kind: ActKind,
  method: string,
  path: string,
  {
    body,
    headers = {},
  }: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Act> {
  const atMs = Date.now()
  const words = `${person.handle} ${method} ${path}`
  try {
    const response = await person.request(method, path, {
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      timeoutMs: PATIENCE_MS,
    })
    const text = await response.text()
    const code = response.ok ? null : codeOf(text)
    return { kind, words, atMs, tookMs: Date.now() - atMs, status: response.status, code }
  } catch {
    return { kind, words, atMs, tookMs: Date.now() - atMs, status: 0, code: null }
  }
}

function codeOf(text: string): string | null {
  try {
    return (JSON.parse(text) as { code?: string }).code ?? null
  } catch {
    return null
  }
}
