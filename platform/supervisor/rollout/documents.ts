/**
 * Documents on their way into force: taken from the inbox or from an order, checked in a process that may die of them, tried
 * out by one process beside the others, judged, and put in force or never seen again.
 */
import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { OrderOutcome } from '../../../contract/operations.ts'
import type {
  DocumentPhase,
  DocumentRelease,
  ReleaseEvidence,
  ReleasesState,
} from '../../../contract/releases.ts'
import { writeWhole } from '../../../kit/files/durable-file.ts'
import type { Config } from '../../app/config.ts'
import { loadSecrets, vaultKeysOf } from '../../app/secrets.ts'
import {
  candidatePathOf,
  documentsDirOf,
  givenPathOf,
  hashOf,
  kindOf,
  objectToSize,
  openQuarantine,
  readBefore,
  readLastGood,
  RELEASE_KINDS,
  writeLastGood,
  type QuarantineBook,
} from '../../releases/index.ts'
import { begun, failed, refused, type Carried } from '../desk/outcome.ts'
import type { Output } from '../output.ts'
import type { Roles } from '../roles.ts'
import { takeFile, watchInbox } from './inbox.ts'
import type { Turns } from './turns.ts'

export interface DocumentReleases extends AsyncDisposable {
  state(): Promise<Omit<ReleasesState, 'code' | 'codeInForce'>>
  /** One that lies at `givenPathOf`. */
  begin(kind: string, hash: string): Promise<Carried>
  /** The one before the last good one holds again. */
  returnTo(kind: string, reason: string): Promise<OrderOutcome>
  /** It was taken back, or refused; null: not since the start. */
  readonly lastBack: DocumentRelease | null
}

/** How one is tried out: no word of it in the supervisor's own process. */
export interface DocumentTrial {
  readonly kind: string
  readonly hash: string
  readonly signal: AbortSignal
  readonly onShare: (share: number, detail: string, evidence?: readonly ReleaseEvidence[]) => void
}

export interface DocumentReleasesOptions {
  readonly config: Config
  readonly roles: Roles
  readonly output: Output
  readonly turns: Turns
  /** @returns why it went back; null: it is good. @throws when it was cut short, which says nothing about the document */
  readonly tryOut: (trial: DocumentTrial) => Promise<string | null>
  /** One was taken back, or refused before anything used it. */
  readonly onBack: (release: DocumentRelease) => void
}

const HISTORY_KEPT = 50
const CHECK_TIMEOUT_MS = 10_000
/** Of V8: a document of the largest size that is let in takes a tenth. */
const CHECK_HEAP_MB = 96
const CHECK_PROGRAM = join(import.meta.dirname, '..', '..', 'releases', 'check-process.ts')
const CheckAnswer = z.object({ objections: z.array(z.string()) })

/** Takes documents from here on, one after the other. */
export async function openDocumentReleases(options: DocumentReleasesOptions): Promise<DocumentReleases> {
  const { config, roles, output } = options
  const { dataDir } = config
  // Read each time: they may be made anew while this process goes on.
  const readSecrets = async () => vaultKeysOf(await loadSecrets(config.paths.secrets))
  const ending = new AbortController()
  const quarantine = await openQuarantine(dataDir)
  const history: DocumentRelease[] = []
  let lastBack: DocumentRelease | null = null
  let line: Promise<unknown> = Promise.resolve()

  const tellRoles = () => {
    for (const role of roles.hearers) role.send({ type: 'documents' })
  }

  function note(release: DocumentRelease, phase: DocumentPhase, share: number, detail: string): void {
    const isNews = release.phase !== phase || release.share !== share
    Object.assign(release, { phase, share, detail, changedAt: new Date().toISOString() })
    const { evidence: _, ...told } = release
    // What the judge says anew each second is for who asks, not for the log.
    if (isNews) output.log.info(told, 'document.phase')
    if (phase !== 'back' && phase !== 'refused') return
    lastBack = { ...release }
    options.onBack(lastBack)
    output.tell(`The ${release.kind} document was ${phase === 'back' ? 'taken back' : 'refused'}: ${detail}`)
  }

  async function bar(
    release: DocumentRelease,
    phase: 'refused' | 'back',
    reason: string,
  ): Promise<OrderOutcome> {
    const { kind, hash } = release
    note(release, phase, 0, reason)
    if (hash !== null) await quarantine.add({ kind, hash, reason, at: new Date().toISOString() })
    return failed(`The last good ${kind} document holds. ${reason}`)
  }

  /** What is sound by itself and only does not follow what is in force may come again in its time. */
  async function refuse(release: DocumentRelease, path: string, reason: string): Promise<OrderOutcome> {
    if ((await check(dataDir, release.kind, path, null)).length > 0) return bar(release, 'refused', reason)
    note(release, 'refused', 0, reason)
    return failed(`The last good ${release.kind} document holds. ${reason}`)
  }

  /** As it comes, with what it waits for. */
  function enter(kind: string, hash: string | null): DocumentRelease {
    const now = new Date().toISOString()
    const first = options.turns.last
    const detail = first === null ? 'It is being checked.' : `${first} is on trial first.`
    const release: DocumentRelease = {
      ...{ kind, hash, phase: first === null ? 'checking' : 'waiting', share: 0, detail },
      ...{ startedAt: now, changedAt: now, evidence: [] },
    }
    history.unshift(release)
    history.splice(HISTORY_KEPT)
    return release
  }

  async function carryOut(release: DocumentRelease, bytes: Buffer, sizeBytes: number): Promise<OrderOutcome> {
    const { kind, hash } = release
    note(release, 'checking', 0, 'It is being checked.')
    const { good } = await readLastGood(dataDir, kind, await readSecrets())
    const lastGoodText = good?.text ?? null
    const isChecked = !config.protectionsOff.has('document-check')
    const before = isChecked ? objectUnread(quarantine, { kind, hash, sizeBytes, lastGoodText }) : null
    if (before !== null || hash === null)
      return bar(release, 'refused', before ?? 'It is too long to be read.')
    if (good?.hash === hash) {
      note(release, 'in-force', 1, 'It is in force already.')
      return { state: 'done', detail: `This ${kind} document is in force already.` }
    }
    const path = candidatePathOf(dataDir, kind, hash)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeWhole(path, bytes)
    try {
      const objections = isChecked ? await check(dataDir, kind, path, lastGoodText) : []
      if (objections.length > 0) return await refuse(release, path, objections.join(' '))
      const { last } = options.turns
      if (last !== null)
        note(release, 'waiting', 0, `${last} is on trial first: one change at a time is judged.`)
      using _turn = await options.turns.take(`The ${kind} document`, ending.signal)
      const onShare: DocumentTrial['onShare'] = (share, detail, evidence = []) => {
        release.evidence = [...evidence]
        note(release, 'trial', share, detail)
      }
      const bad = config.protectionsOff.has('judge')
        ? null
        : await options.tryOut({ kind, hash, signal: ending.signal, onShare })
      if (bad !== null) return await bar(release, 'back', bad)
      await writeLastGood(dataDir, await readSecrets(), {
        kind,
        text: bytes.toString('utf8'),
        at: new Date(),
      })
      tellRoles()
      note(release, 'in-force', 1, 'Everything uses it.')
      return { state: 'done', detail: `The ${kind} document ${hash.slice(0, 12)} is in force.` }
    } catch (error) {
      note(release, 'cut-short', 0, (error as Error).message)
      return failed(`The last good ${kind} document holds. ${(error as Error).message}`)
    } finally {
      await rm(path, { force: true })
    }
  }

  function enqueue(kind: string, bytes: Buffer, sizeBytes = bytes.length): Promise<OrderOutcome> {
    const release = enter(kind, sizeBytes === bytes.length ? hashOf(bytes) : null)
    const work = line.then(() => carryOut(release, bytes, sizeBytes))
    line = work.catch((error: unknown) => output.log.error({ err: error, kind }, 'document.failed'))
    return work
  }

  const inbox = await watchInbox(
    dataDir,
    (kind, bytes, sizeBytes) => void enqueue(kind, bytes, sizeBytes).catch(() => {}),
  )
  return {
    get lastBack() {
      return lastBack
    },
    state: async () => ({
      documents: history.map((release) => ({ ...release })),
      inForce: await listInForce(dataDir, await readSecrets()),
      quarantined: [...quarantine.all],
    }),
    async begin(name, hash) {
      const kind = kindOf(name)
      if (!kind) return refused(`There is no kind "${name}": ${KIND_NAMES}.`)
      const path = givenPathOf(dataDir, name, hash)
      const given = await takeFile(path, kind.bounds.maxBytes)
      if (!given) return refused(`Nothing lies at ${path}.`)
      return begun(
        `The ${name} document is being checked, then tried out.`,
        enqueue(name, given.bytes, given.sizeBytes),
      )
    },
    async returnTo(kind, reason) {
      const secrets = await readSecrets()
      const [{ good }, before] = await Promise.all([
        readLastGood(dataDir, kind, secrets),
        readBefore(dataDir, kind, secrets),
      ])
      if (!good || !before) return failed(`There is no ${kind} document before the present one.`)
      await writeLastGood(dataDir, secrets, { kind, text: before.text, at: new Date() })
      tellRoles()
      await quarantine.add({ kind, hash: good.hash, reason, at: new Date().toISOString() })
      return { state: 'done', detail: `The ${kind} document ${before.hash.slice(0, 12)} holds again.` }
    },
    async [Symbol.asyncDispose]() {
      inbox[Symbol.dispose]()
      ending.abort(new Error('Upbeat is being stopped.'))
      await line
    },
  }
}

const KIND_NAMES = RELEASE_KINDS.map(({ name }) => name).join(', ')

interface Unread {
  readonly kind: string
  readonly hash: string | null
  readonly sizeBytes: number
  readonly lastGoodText: string | null
}

/** What speaks against it before a byte of it is understood. */
function objectUnread(
  quarantine: QuarantineBook,
  { kind, hash, sizeBytes, lastGoodText }: Unread,
): string | null {
  const barred = hash === null ? null : quarantine.reasonOf(hash)
  if (barred !== null) return `This very document is in quarantine: ${barred}`
  return objectToSize(
    kindOf(kind)!,
    sizeBytes,
    lastGoodText === null ? null : Buffer.byteLength(lastGoodText),
  )
}

/** In a process of its own, with little memory and little time. */
async function check(
  dataDir: string,
  kind: string,
  path: string,
  lastGoodText: string | null,
): Promise<readonly string[]> {
  const goodPath = join(documentsDirOf(dataDir), kind, 'compared-with.json')
  if (lastGoodText !== null) await writeWhole(goodPath, lastGoodText)
  const args = [`--max-old-space-size=${CHECK_HEAP_MB}`, CHECK_PROGRAM, kind, path]
  if (lastGoodText !== null) args.push(goodPath)
  const answer = await new Promise<string | Error>((resolve) => {
    execFile(
      process.execPath,
      args,
      { timeout: CHECK_TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 256 * 1_024, env: {} },
      (error, output) => resolve(error ?? output),
    )
  })
  if (typeof answer !== 'string')
    return ['It could not be checked: the process that looked at it ended, or was too slow.']
  return CheckAnswer.parse(JSON.parse(answer)).objections
}

async function listInForce(dataDir: string, secrets: readonly string[]): Promise<ReleasesState['inForce']> {
  const found = await Promise.all(RELEASE_KINDS.map(({ name }) => readLastGood(dataDir, name, secrets)))
  return found.flatMap(({ good }) =>
    good ? [{ kind: good.kind, hash: good.hash, promotedAt: good.promotedAt }] : [],
  )
}
