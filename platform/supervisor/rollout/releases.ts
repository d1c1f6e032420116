/** Releases of code on this machine: which is in force, which is under way, and which may not come again. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { OrderOutcome } from '../../../contract/operations.ts'
import type { CodeReleaseState } from '../../../contract/releases.ts'
import { createProxyTrust } from '../../../kit/network/proxy-trust.ts'
import { environmentWith, type Config } from '../../app/config.ts'
import {
  hashTree,
  programOf,
  pruneSlots,
  slotsDirOf,
  type Promoted,
  type Slot,
  type SlotStore,
} from '../../slots/index.ts'
import { planMigrations } from '../../slots/migrations.ts'
import { begun, failed, refused, type Carried } from '../desk/outcome.ts'
import type { FrontDoor } from '../front-door.ts'
import type { Output } from '../output.ts'
import { ROLE_NAMES } from '../protocol.ts'
import type { Roles } from '../roles.ts'
import { openGoldenStore, type GoldenStore } from './golden-store.ts'
import { rollOut, WentBackError } from './rollout.ts'
import type { TrialOptions } from './trial.ts'
import type { Turns } from './turns.ts'

export interface ReleaseOrder {
  readonly hash: string
  readonly label: string
  readonly isDespiteProblems: boolean
}

export interface Releases extends AsyncDisposable {
  readonly golden: GoldenStore
  /** Of the one under way, or of the last one; null: none since the start. */
  readonly state: CodeReleaseState | null
  readonly isUnderWay: boolean
  begin(order: ReleaseOrder): Promise<Carried>
  /** Sends the one under way back. */
  end(reason: string): Carried
  /** Puts what ran before the present release in force again, and quarantines that one. */
  giveBack(reason: string): Carried
  /** Those to go back to, newest first, with the present one. */
  readonly good: readonly Promoted[]
  /** What may not come again. */
  readonly quarantined: SlotStore['quarantined']
}

export interface ReleasesOptions {
  readonly config: Config
  readonly door: FrontDoor
  readonly roles: Roles
  readonly store: SlotStore
  readonly turns: Turns
  /** Of the program that was started. */
  readonly ownProgram: string
  readonly output: Output
  readonly databaseUrl: () => string | null
  /** It was tried, was worse, and went back by itself. */
  readonly onBack: (state: CodeReleaseState) => void
}

const execute = promisify(execFile)
const MIGRATE_TIMEOUT_MS = 10 * 60_000
/** A release that fails to start this often in a row is not what it was when it was good. */
const FAILED_STARTS_MAX = 3

/** Takes orders from here on, and goes back to the release before when the present one does not start any more. */
export async function openReleases(options: ReleasesOptions): Promise<Releases> {
  const { config, store, output } = options
  const { log } = output
  const golden = await openGoldenStore(join(slotsDirOf(config.dataDir), 'golden.json'), (error) =>
    log.warn({ err: error }, 'release.golden-not-written'),
  )
  let state: CodeReleaseState | null = null
  let underWay: { readonly ending: AbortController; readonly ended: Promise<OrderOutcome> } | null = null

  const stopHearing = fallBackWhenBroken(options, () => underWay !== null)

  async function carryOut(
    slot: Slot,
    isDespiteProblems: boolean,
    signal: AbortSignal,
  ): Promise<OrderOutcome> {
    const startedAt = new Date().toISOString()
    const onPhase: TrialOptions['onPhase'] = (phase, share, detail, evidence = state?.evidence ?? []) => {
      if (phase !== state?.phase || share !== state.share)
        log.info({ release: slot.label, phase, share, detail }, 'release.phase')
      const { hash, label } = slot
      const changedAt = new Date().toISOString()
      state = { hash, label, phase, share, detail, startedAt, changedAt, evidence: [...evidence] }
    }
    try {
      if (options.turns.last !== null)
        onPhase('waiting', 0, `${options.turns.last} is on trial first: one change at a time is judged.`, [])
      using _turn = await options.turns.take(`The release ${slot.label}`, signal)
      onPhase('checking', 0, 'Its content, its past and its migrations are looked at.', [])
      const objection = await findObjection(slot, options, isDespiteProblems)
      if (objection !== null) throw new Error(objection)
      await prepareDatabase(slot, options, onPhase)
      await rollOut(
        {
          ...options,
          golden,
          log,
          program: programOf(slot),
          salt: slot.hash,
          isSharedAddress: sharedBy(config.trustedProxies),
          isJudged: !config.protectionsOff.has('judge'),
          onPhase,
        },
        signal,
      )
      await store.promote(slot, new Date())
      onPhase('promoted', 1, 'Everything runs the new code.')
      return { state: 'done', detail: `${slot.label} runs everywhere.` }
    } catch (error) {
      const reason = (error as Error).message
      // What an operator or a stop cut short says nothing about the release.
      const isItsFault = error instanceof WentBackError && !signal.aborted
      if (isItsFault) await store.quarantine(slot.hash, reason, new Date())
      if (!(error instanceof WentBackError)) log.error({ err: error }, 'release.failed')
      onPhase('back', 0, reason)
      if (isItsFault && state) options.onBack(state)
      output.tell(`The release ${slot.label} went back: ${reason}`)
      return failed(`The old code runs everywhere. ${reason}`)
    } finally {
      void tidyUp(options)
    }
  }

  // Waits for no document's trial: it undoes what may be hurting people now.
  async function goBack(bad: Promoted, reason: string): Promise<OrderOutcome> {
    const next = await runOneBefore(options, reason)
    log.info({ release: bad.label, reason, runs: next }, 'release.returned')
    void tidyUp(options)
    return { state: 'done', detail: `${next} runs everywhere again.` }
  }

  /** One at a time: `work` is what is under way until it ends. */
  function occupy(work: (signal: AbortSignal) => Promise<OrderOutcome>): Promise<OrderOutcome> {
    const ending = new AbortController()
    const ended = Promise.withResolvers<OrderOutcome>()
    underWay = { ending, ended: ended.promise }
    ended.resolve(work(ending.signal).finally(() => (underWay = null)))
    return ended.promise
  }

  return {
    golden,
    get good() {
      return store.good
    },
    get quarantined() {
      return store.quarantined
    },
    get state() {
      return state
    },
    get isUnderWay() {
      return underWay !== null
    },
    async begin({ hash, label, isDespiteProblems }) {
      if (underWay) return refused(`${state?.label ?? 'Another release'} is under way.`)
      const slot: Slot = { hash, label, dir: join(slotsDirOf(config.dataDir), hash.slice(0, 16)) }
      const ended = occupy((signal) => carryOut(slot, isDespiteProblems, signal))
      return begun(`${label} is being tried out beside the code that runs.`, ended)
    },
    end(reason) {
      if (!underWay) return refused('No release is under way.')
      underWay.ending.abort(new Error(`An operator sent it back: ${reason}`))
      return begun('The release goes back.', underWay.ended)
    },
    giveBack(reason) {
      if (underWay) return refused(`${state?.label ?? 'Another release'} is under way: end that one.`)
      const bad = store.current
      if (!bad) return refused('No release is in force: the code that was started runs.')
      return begun(
        `${bad.label} gives way to what ran before it.`,
        occupy(() => goBack(bad, reason)),
      )
    },
    async [Symbol.asyncDispose]() {
      stopHearing()
      underWay?.ending.abort(new Error('Upbeat is being stopped.'))
      await underWay?.ended
      await golden[Symbol.asyncDispose]()
    },
  }
}

/** Folders of releases that nobody goes back to are deleted. What stays lying takes room, and is no trouble besides. */
async function tidyUp({ config, store, output }: ReleasesOptions): Promise<void> {
  try {
    await pruneSlots(config.dataDir, new Set(store.good.map(({ dir }) => dir)), new Date())
  } catch (error) {
    output.log.warn({ err: error }, 'release.old-ones-not-deleted')
  }
}

/** Why it may not even be tried out; null: it may. */
async function findObjection(
  slot: Slot,
  { roles, store }: ReleasesOptions,
  isDespiteProblems: boolean,
): Promise<string | null> {
  if (!existsSync(programOf(slot)))
    return `Nothing is made ready under ${slot.dir}: upbeat release does that.`
  if ((await hashTree(slot.dir)) !== slot.hash)
    return `What lies under ${slot.dir} has been changed since it was made ready. Delete it, and release again.`
  const quarantine = store.quarantineOf(slot.hash)
  if (quarantine !== null && !isDespiteProblems)
    return `This very code went back before: ${quarantine} Mend it, or insist: --despite-problems`
  const unfit = roles.all.find((role) => role.state !== 'ready')
  if (unfit) return `${unfit.role} is ${unfit.state}: a release needs everything ready to compare with.`
  const { objections } = await planMigrations(rootOf(roles.programOf('api')), slot.dir)
  return objections.length === 0
    ? null
    : `The code that runs could not live with its migrations: ${objections.join(' ')}`
}

/** Widens the schema, as `findObjection` has found that the running code can live with. */
async function prepareDatabase(
  slot: Slot,
  { roles, databaseUrl }: ReleasesOptions,
  onPhase: TrialOptions['onPhase'],
): Promise<void> {
  const { added } = await planMigrations(rootOf(roles.programOf('api')), slot.dir)
  if (added.length === 0) return
  const url = databaseUrl()
  if (url === null)
    throw new Error('The database is not there yet, and the release needs it for its migrations.')
  onPhase('migrating', 0, added.join(', '))
  try {
    await execute(process.execPath, [programOf(slot), 'migrate'], {
      env: environmentWith({ DATABASE_URL: url }),
      timeout: MIGRATE_TIMEOUT_MS,
    })
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new Error(`The migrations failed: ${stderr.trim().slice(-500) || (error as Error).message}`, {
      cause: error,
    })
  }
}

/** A release that was good and does not start any more (its folder is damaged, say) gives way to the one before it. */
function fallBackWhenBroken(options: ReleasesOptions, isTrial: () => boolean): () => void {
  const { roles, store, output } = options
  let isFallingBack = false
  return roles.onFailedStart((role, count) => {
    const bad = store.current
    if (!bad || count < FAILED_STARTS_MAX || isFallingBack || isTrial()) return
    isFallingBack = true
    void runOneBefore(options, `${role} did not start ${count} times in a row.`)
      .then((next) => output.tell(`${role} does not start with ${bad.label}: ${next} runs again.`))
      .catch((error: unknown) => output.log.error({ err: error }, 'release.fall-back-failed'))
      .finally(() => (isFallingBack = false))
  })
}

/**
 * Has everything run what ran before the present release, which is quarantined. Its migrations stay: that code can live with them.
 *
 * @returns what runs, by its name
 */
async function runOneBefore({ roles, store, ownProgram }: ReleasesOptions, reason: string): Promise<string> {
  const next = await store.fallBack(reason, new Date())
  const program = next ? programOf(next) : ownProgram
  for (const name of ROLE_NAMES) roles.runFrom(name, program)
  for (const role of roles.all) if (role.state === 'ready') await role.replace()
  return next?.label ?? 'The code that was started'
}

/** `DIR/platform/main.ts` → `DIR` */
const rootOf = (program: string): string => dirname(dirname(program))

/** Behind a proxy's address, and behind this machine's own, there may be anybody. */
export function sharedBy(trustedProxies: readonly string[]): (address: string) => boolean {
  return createProxyTrust([...trustedProxies, 'loopback']) || (() => false)
}
