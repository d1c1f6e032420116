/**
 * `upbeat breach`: what is done after a break-in. Works on the data folder itself, so that neither the database nor any
 * process is needed; what they add is added where they are there.
 */
import { spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { BreachStep } from '../contract/operations.ts'
import { systemClock } from '../kit/clock.ts'
import { writeWhole } from '../kit/files/durable-file.ts'
import { environmentWith, type Config } from '../platform/app/config.ts'
import {
  loadSecrets,
  ROTATED_SECRETS,
  rotateSecrets,
  rotateVault,
  type Secrets,
} from '../platform/app/secrets.ts'
import { isDatabaseUnavailable, openDatabase, type Db } from '../platform/infra/db/index.ts'
import {
  countAccounts,
  endAllSessions,
  listAllSessions,
  resealSecondFactors,
} from '../platform/modules/accounts/index.ts'
import { draftNotices, freezeEvidence } from '../platform/modules/breach/index.ts'
import { resealDocuments } from '../platform/releases/index.ts'
import { askDesk, NotRunningError } from '../platform/supervisor/control.ts'
import { openAudit } from '../platform/supervisor/desk/audit.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { findDatabaseUrl } from './instance.ts'
import { settingsOf } from './settings.ts'
import { readInstant } from './times.ts'

const PROGRAM_DIR = join(import.meta.dirname, '..')
/** A database that does not answer must not keep anybody waiting. */
const DATABASE_TIMEOUT_MS = 3_000

interface Case {
  readonly config: Config
  readonly reason: string
  readonly awareAt: Date
  /** Null: away. */
  readonly db: Db | null
  /** In words, as they are done. */
  readonly measures: string[]
  seal: string | null
}

/** Each answers, in a sentence, what came of it. */
const STEPS: Readonly<Record<BreachStep, (one: Case) => Promise<string>>> = {
  'freeze-evidence': freeze,
  'rotate-keys': rotate,
  'revoke-all': revoke,
  'draft-notices': draft,
}

/** `upbeat breach STEP|respond --reason WHY [--from TIME]`: `respond` does all of them, in the order that loses nothing. */
export async function handleBreach(given: Arguments): Promise<number> {
  const [word] = given.operands
  const steps =
    word === 'respond' ? BreachStep.options : BreachStep.safeParse(word).success ? [word as BreachStep] : null
  if (steps === null || given.operands.length !== 1)
    throw new UsageError(`Which step? respond (all of them), or one of ${BreachStep.options.join(', ')}`)
  if (!given.reason) throw new UsageError('What has happened, as far as it is known? --reason "…"')
  const config = settingsOf(given)
  await access(config.paths.secrets)
  const now = systemClock.now()
  await using database = await openIfThere(config)
  const one: Case = {
    config,
    reason: given.reason,
    awareAt: given.from === undefined ? now : readInstant(given.from, '--from', now),
    db: database.db,
    measures: [],
    seal: null,
  }
  let code = 0
  for (const step of steps) code = Math.max(code, await carryOut(step, one))
  if (steps.some((step) => step === 'rotate-keys' || step === 'revoke-all'))
    code = Math.max(code, await restart(config))
  return code
}

/** A step that fails does not keep the next one from being done: each is worth something alone. */
async function carryOut(step: BreachStep, one: Case): Promise<number> {
  let outcome: { state: 'done' | 'failed'; detail: string }
  try {
    outcome = { state: 'done', detail: await STEPS[step](one) }
    one.measures.push(`${systemClock.now().toISOString()}: ${outcome.detail.split('\n')[0]}`)
  } catch (error) {
    outcome = { state: 'failed', detail: (error as Error).message }
  }
  console.log(`${outcome.state === 'done' ? '✓' : '✗'} ${step}: ${outcome.detail}`)
  await openAudit(one.config.dataDir).add({
    id: uuidv7(),
    at: systemClock.now().toISOString(),
    who: { kind: 'command-line', user: userInfo().username },
    order: { type: 'breach', step, reason: one.reason },
    outcome,
  })
  return outcome.state === 'done' ? 0 : 1
}

async function openIfThere(config: Config): Promise<AsyncDisposable & { readonly db: Db | null }> {
  const url = await findDatabaseUrl(config)
  if (url === null) return { db: null, [Symbol.asyncDispose]: async () => {} }
  const database = openDatabase({ url, poolSize: 2, applicationName: 'upbeat-cli', onError: () => {} })
  const isThere = await Promise.race([
    countAccounts(database.db).then(
      () => true,
      () => false,
    ),
    new Promise<false>((resolve) => setTimeout(resolve, DATABASE_TIMEOUT_MS, false).unref()),
  ])
  return { db: isThere ? database.db : null, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() }
}

async function freeze(one: Case): Promise<string> {
  const { config, db, reason } = one
  const sessions = db && (await listAllSessions(db))
  const { folder, fileCount, seal, missing } = await freezeEvidence({
    ...{ dataDir: config.dataDir, programDir: PROGRAM_DIR, at: systemClock.now(), sessions, reason },
  })
  one.seal = seal
  const lines = missing.map((what) => `\n  without ${what}`)
  return `${fileCount} files in ${folder}\n  Note this seal where an intruder can not reach: ${seal}${lines.join('')}`
}

async function rotate({ config, db }: Case): Promise<string> {
  await rotateSecrets(config.paths.secrets)
  const vault = await rotateVaultWith(config, db)
  const own = `new keys for ${ROTATED_SECRETS.join(', ')}: everybody is signed out, and addresses of private media end\n  The vault: ${vault}`
  const watchDir = join(config.dataDir, 'watch')
  const hasWatch = await access(watchDir).then(
    () => true,
    () => false,
  )
  return hasWatch ? `${own}\n  The watch: ${await rotateWatch(watchDir)}` : own
}

/** What lies under the vault's key is sealed again; a call that was cut short is completed first, for nothing may be two keys behind. */
async function rotateVaultWith({ paths, dataDir }: Config, db: Db | null): Promise<string> {
  if (!db)
    return 'its key stands, for second factors in the database are under it. Do it again when the database is back.'
  const present = await loadSecrets(paths.secrets)
  if (present.vaultBefore !== undefined) await reseal(dataDir, db, present)
  const { count, lostCount, documentCount } = await reseal(dataDir, db, await rotateVault(paths.secrets))
  const lost = lostCount > 0 ? `, ${lostCount} that no key opens are left as they are` : ''
  return `a new key; ${count} second factors and ${documentCount} kinds of documents are sealed again${lost}`
}

async function reseal(dataDir: string, db: Db, keys: Secrets) {
  const factors = await resealSecondFactors({ db }, keys)
  const documentCount = await resealDocuments(dataDir, keys.vaultBefore!, keys.vault)
  return { ...factors, documentCount }
}

/** By its own program: of the watch nothing is known here but that. */
function rotateWatch(dataDir: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const program = join(PROGRAM_DIR, 'watch', 'main.ts')
    const child = spawn(process.execPath, [program, 'rotate-keys', '--data', dataDir], {
      env: environmentWith({}),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let told = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0
        ? resolve(told.trim())
        : reject(new Error(`The watch's keys stand as they were: ${told.trim()}`)),
    )
  })
}

/** Without the database the sessions' key ends them all as well; their rows go with the next call. */
async function revoke({ config, db }: Case): Promise<string> {
  const endByKey = async () => {
    await rotateSecrets(config.paths.secrets)
    return 'the database is away: everybody is signed out by new keys. Do it again when it is back, for the rows of the sessions.'
  }
  if (!db) return endByKey()
  try {
    const count = await endAllSessions({ db, clock: systemClock, config })
    return `${count} sessions are ended, and all links that were sent are worth nothing`
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error
    return endByKey()
  }
}

async function draft({ config, db, awareAt, reason, measures, seal }: Case): Promise<string> {
  const at = systemClock.now()
  const accounts = db && (await countAccounts(db).catch(() => null))
  const folder = join(config.dataDir, 'notices', at.toISOString().replaceAll(':', '-').replace(/\.\d+/, ''))
  const { instanceName } = config
  for (const { filename, text } of draftNotices({
    ...{ instanceName, awareAt, draftedAt: at, reason, accounts, measures, seal },
  }))
    await writeWhole(join(folder, filename), text)
  return `authority.md, people.md and register.md in ${folder}: fill in what is open`
}

/** Processes have the old keys, and sessions in memory, until they are new. */
async function restart({ dataDir }: Config): Promise<number> {
  try {
    const { outcome } = await askDesk(dataDir, {
      command: 'order',
      order: { type: 'restart-role', role: 'all' },
      user: userInfo().username,
    })
    const isGiven = outcome.state === 'done' || outcome.state === 'begun'
    console.log(`${isGiven ? '✓' : '✗'} restart: ${outcome.detail}`)
    if (!isGiven)
      console.log(
        '  Until they are restarted the processes go on with the old keys: stop Upbeat and start it again.',
      )
    return isGiven ? 0 : 1
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error
    console.log('✓ restart: Upbeat does not run here; its next start has the new keys.')
    return 0
  }
}
