/**
 * `bench stuffing`: what a leaked list gets out of us, beside better-auth 1.7 with its own limiter. 100,000 pairs in the pure
 * model (an hour, a day, a month), 5,000 against the running product, one try an address, 0.5 % of them good.
 *
 * The real run ends its solving when the purse is empty: from then on challenges are left unsolved. What all of it would cost
 * is told beside. Of the rival a fifth is tried: each of its tries costs the same hash.
 */
import { cpus } from 'node:os'
import {
  addressOfBot,
  inParallel,
  makeList,
  settleMany,
  TOLD_ADDRESSES,
  trySignIn,
  type Purse,
} from '../tests/rig/people/signing-in.ts'
import { roundTo } from '../tests/rig/quantile.ts'
import { startProduct } from '../tests/support/product.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import { readProcessorTimeS } from './machine/processor-time.ts'
import { playModel } from './stuffing/model.ts'
import { createRival } from './stuffing/rival.ts'
import type { BenchResult, BenchRow } from './support.ts'

const TAKEN_MAX = 0.01
const REAL_MIN = 0.995
const MODEL_TRIES = 100_000
const TRIES = 5_000
const VALID = 25
const RIVAL_SHARE = 5
const VALID_SHARE = VALID / TRIES
/** Seconds of a core. */
const PURSE_MS = 60_000
const OWNERS = 10
/** A sign-in of somebody real, every so many tries. */
const OWNER_EVERY = 10
const AT_ONCE = 8
const SEED = 7
const HOUR_MS = 3_600_000
const PACES = [
  { what: 'an hour', attackMs: HOUR_MS },
  { what: 'a day', attackMs: 24 * HOUR_MS },
  { what: 'a month', attackMs: 720 * HOUR_MS },
] as const

export async function run(): Promise<BenchResult> {
  const models = PACES.map(({ what, attackMs }) => ({
    what,
    ...playModel({ tries: MODEL_TRIES, validShare: VALID_SHARE, attackMs, seed: SEED }),
  }))
  const ours = await sufferList()
  const rival = await sufferRival()
  const rows: BenchRow[] = models.flatMap((model) => {
    const of = `model, ${MODEL_TRIES} pairs in ${model.what}`
    const share = (part: number, whole: number) => (whole === 0 ? 0 : (100 * part) / whole)
    return [
      row(
        `${of}: good pairs that let in`,
        share(model.taken, model.valid),
        100,
        '%',
        `≤ ${100 * TAKEN_MAX} %`,
      ),
      row(
        `${of}: the same, neither factor nor mail`,
        share(model.bareTaken, model.bareValid),
        100,
        '%',
        null,
      ),
      row(
        `${of}: real sign-ins served`,
        100 - share(model.harmed, model.signIns),
        null,
        '%',
        `≥ ${100 * REAL_MIN} %`,
      ),
      row(
        `${of}: the same, neither factor nor mail`,
        100 - share(model.bareHarmed, model.bareSignIns),
        null,
        '%',
        null,
      ),
      row(`${of}: people asked for a code`, share(model.confirmed, model.signIns), null, '%', null),
      row(`${of}: SHA-256 hashes for the list`, model.hashes / 1e9, null, '10⁹', null),
    ]
  })
  rows.push(
    row(
      `real, ${TRIES} pairs: good ones that let in`,
      100 * ours.takenShare,
      100 * rival.takenShare,
      '%',
      `≤ ${100 * TAKEN_MAX} %`,
    ),
    row('real: sign-ins on known devices served', 100 * ours.ownersShare, null, '%', `≥ ${100 * REAL_MIN} %`),
    row('real: the server’s processor time a try', ours.serverMsPerTry, rival.msPerTry, 'ms', null),
    row('real: solving, a try that was solved', ours.workMsPerSolved, null, 'ms', null),
    row(
      'real: solving all of the list would take',
      (ours.workMsPerSolved * TRIES) / 1_000,
      null,
      's of a core',
      null,
    ),
  )
  const fallsShort = [
    ...models.flatMap((model) => [
      ...(model.taken > TAKEN_MAX * model.valid
        ? [`In ${model.what} ${model.taken} of ${model.valid} good pairs let in.`]
        : []),
      ...(model.harmed > (1 - REAL_MIN) * model.signIns
        ? [`In ${model.what} ${model.harmed} of ${model.signIns} real sign-ins were harmed.`]
        : []),
    ]),
    ...(ours.takenShare > TAKEN_MAX ? [`${ours.takenShare * VALID} of ${VALID} real pairs let in.`] : []),
    ...(ours.ownersShare < REAL_MIN
      ? [`Only ${roundTo(100 * ours.ownersShare, 2)} % of real sign-ins were served.`]
      : []),
  ]
  const figures = {
    processor: cpus()[0]?.model ?? 'unknown',
    purseS: PURSE_MS / 1_000,
    ...Object.fromEntries(
      models.flatMap(({ what, ...model }) =>
        Object.entries(model).map(([name, value]) => [`${what}: ${name}`, value]),
      ),
    ),
    ...ours,
    rivalTakenShare: rival.takenShare,
    rivalMsPerTry: rival.msPerTry,
  }
  return { name: 'stuffing', rows, figures, fallsShort }
}

const row = (
  what: string,
  ours: number,
  rival: number | null,
  unit: string,
  target: string | null,
): BenchRow => ({
  ...{ what, rival, unit, target },
  ours: roundTo(ours, 3),
})

/** The list against the product, while owners sign in on their devices. */
async function sufferList() {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path, env: TOLD_ADDRESSES })
  const victims = await settleMany(product.url, VALID, 0)
  const owners = await settleMany(product.url, OWNERS, 1_000)
  const api = await product.pidOf('api')
  const purse: Purse = { leftMs: PURSE_MS }
  let [taken, solved, workedMs, asked, served] = [0, 0, 0, 0, 0]
  const list = makeList(TRIES, victims, 0.5)
  const beganS = await readProcessorTimeS([api])
  await inParallel(AT_ONCE, list, async ({ identifier, password, isValid }, n) => {
    const outcome = await trySignIn(product.url, { identifier, password, address: addressOfBot(n) }, purse)
    if (isValid && outcome.status === 201) taken++
    if (outcome.workedMs > 0) solved++
    workedMs += outcome.workedMs
    if (n % OWNER_EVERY !== 0) return
    const owner = owners[(n / OWNER_EVERY) % owners.length]!
    const input = { ...owner, identifier: owner.handle, cookie: owner.deviceCookies }
    asked++
    if ((await trySignIn(product.url, input, { leftMs: 0 })).status === 201) served++
  })
  const serverS = (await readProcessorTimeS([api])) - beganS
  return {
    takenShare: taken / VALID,
    ownersShare: served / asked,
    serverMsPerTry: roundTo((serverS * 1_000) / (TRIES + asked), 2),
    workMsPerSolved: roundTo(workedMs / Math.max(1, solved), 2),
    solved,
  }
}

async function sufferRival() {
  const rival = createRival()
  const count = TRIES / RIVAL_SHARE
  const victims = Array.from({ length: VALID / RIVAL_SHARE }, (_, n) => ({
    ...{ handle: `victim.${n}@example.org`, password: `the password of ${n}` },
    ...{ address: '', deviceCookies: '' },
  }))
  for (const { handle, password } of victims) await rival.signUp(handle, password)
  let taken = 0
  const began = process.cpuUsage()
  await inParallel(AT_ONCE, makeList(count, victims, 0.5), async ({ identifier, password, isValid }, n) => {
    if ((await rival.signIn(identifier, password, addressOfBot(n))) && isValid) taken++
  })
  const { user, system } = process.cpuUsage(began)
  return { takenShare: taken / victims.length, msPerTry: roundTo((user + system) / 1_000 / count, 2) }
}
