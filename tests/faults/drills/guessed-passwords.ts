/**
 * A list of leaked passwords is tried, each pair from an address of its own (fault 20); one password at many accounts, one account
 * with many passwords, and an owner who is to be locked out (fault 21). Meanwhile people watch and sign in, one of them in a real
 * browser.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { GUESSES_PER_DAY_MAX } from '../../../engines/sign-in/index.ts'
import { browseOnce, startBrowsing, tellBrowsing } from '../../rig/people/visiting.ts'
import {
  addressOfBot,
  inParallel,
  makeList,
  settleMany,
  TOLD_ADDRESSES,
  trySignIn,
  type Purse,
  type Resident,
} from '../../rig/people/signing-in.ts'
import { shareServed, startWatching, type Outcome } from '../../rig/people/watching.ts'
import { quantileOf } from '../../rig/quantile.ts'
import { makeClip } from '../../support/clips.ts'
import { startProduct } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather } from '../observing/audience.ts'
import { percent, type Report } from '../report.ts'

const TRIES = 1_000
const VALID = 10
/** Of the pairs that are good. */
const TAKEN_MAX = 0.01
const OWNERS_MIN = 0.995
const KNOWN_MIN = 0.999
const QUIET_MS = 5_000
/** As in `bad-clients`: what a busy machine does to itself. */
const NOISE_MS = 50
const SLOWER_MAX = 1.2
const AT_ONCE = 4
/** What the one who tries may spend on work: far more than such a list is worth. */
const PURSE_MS = 120_000

/** On a new device, then on a known one. */
const ROUNDS_MIN = 2
const BUSY_PAUSE_MS = 2_000
/** What a flood meets on a busy machine would keep the list out as well: here all rests on what guards a sign-in. */
const withoutLimits = () => ({
  ...TOLD_ADDRESSES,
  PROTECTIONS_OFF: `${process.env['PROTECTIONS_OFF']},limits`,
})
const NO_ANSWER = { status: 0, code: 'no answer', workedMs: 0 }

/** Fault 20. */
export async function runStuffing(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path, env: withoutLimits() })
  const audience = await gather(product, { people: 1, videos: 3 })
  const victims = await settleMany(product.url, VALID, 0)
  const owners = await settleMany(product.url, 10, 100)
  const port = Number(new URL(product.url).port)
  const players = startWatching({ port, ratePerS: 20, seconds: 300, asked: audience.media })
  const clip = await makeClip('h264')
  const quietMs = Date.now()
  // As it is without any attack: what the browser itself costs this machine is in the calm figures, too.
  const calm = await browseOnce(product.url, clip)
  await sleep(QUIET_MS)
  const beganMs = Date.now()
  const people = startSigningIn(product.url, owners)
  await using browsing = await startBrowsing(product.url, clip)
  const purse: Purse = { leftMs: PURSE_MS }
  let taken = 0
  const list = makeList(TRIES, victims, 0.5)
  await inParallel(AT_ONCE, list, async ({ identifier, password, isValid }, n) => {
    const { status } = await trySignIn(product.url, { identifier, password, address: addressOfBot(n) }, purse)
    if (isValid && status === 201) taken++
  })
  const endedMs = Date.now()
  const served = await people.stop()
  players.stop()
  await browsing.stop()

  const spent = ((PURSE_MS - purse.leftMs) / 1_000).toFixed(0)
  report.promise(
    `of ${VALID} good pairs among ${TRIES}, one try an address, at most 1 % let anybody in`,
    taken / VALID <= TAKEN_MAX,
    `${taken}; solving took them ${spent} s of a core`,
  )
  report.promise(
    'people on their own devices sign in meanwhile',
    served.count > 0 && served.share >= OWNERS_MIN,
    `${percent(served.share)} of ${served.count} ${served.refusals}`.trim(),
  )
  report.promise(
    'somebody in Chromium signs in, on a new device and on that device again, scrolls, likes and uploads undisturbed',
    browsing.rounds.length >= ROUNDS_MIN && browsing.disturbances.length === 0,
    `before: ${tellBrowsing(calm)}; meanwhile: ${tellBrowsing(browsing)}`,
  )
  const quiet = p99(players.outcomes, quietMs + 1_000, beganMs)
  const during = p99(players.outcomes, beganMs, endedMs)
  const allowed = Math.max(quiet * SLOWER_MAX, quiet + NOISE_MS)
  report.promise(
    'hashing never delays what is watched',
    shareServed(players.outcomes, beganMs, endedMs) === 1 && during <= allowed,
    `p99 ${quiet.toFixed(0)} → ${during.toFixed(0)} ms, allowed ${allowed.toFixed(0)} ms`,
  )
}

const BRUTE_TRIES = 60
const SPRAYED = 300
const COMMON_PASSWORD = 'spring flowers of 2026'

/** Fault 21. */
export async function runGuessing(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path, env: withoutLimits() })
  const [owner] = await settleMany(product.url, 1, 0)
  const people = startSigningIn(product.url, [owner!])
  const purse: Purse = { leftMs: PURSE_MS }
  let guesses = 0
  const tries = Array.from({ length: BRUTE_TRIES }, (_, n) => n)
  await inParallel(AT_ONCE, tries, async (n) => {
    const input = { identifier: owner!.handle, password: `guess ${n}`, address: addressOfBot(n) }
    if ((await trySignIn(product.url, input, purse)).status === 401) guesses++
  })
  report.promise(
    `of ${BRUTE_TRIES} guesses at one account, each from elsewhere, no more than ${GUESSES_PER_DAY_MAX} are tried in a day`,
    guesses <= GUESSES_PER_DAY_MAX,
    String(guesses),
  )
  const served = await people.stop()
  report.promise(
    'the owner, who was to be locked out, gets in on a known device',
    served.count > 0 && served.share >= KNOWN_MIN,
    `${percent(served.share)} of ${served.count} ${served.refusals}`.trim(),
  )

  const careless = await settleMany(product.url, VALID, 500, COMMON_PASSWORD)
  let taken = 0
  const list = makeList(SPRAYED, careless, 0.7)
  await inParallel(AT_ONCE, list, async ({ identifier, isValid }, n) => {
    const input = { identifier, password: COMMON_PASSWORD, address: addressOfBot(10_000 + n) }
    const { status } = await trySignIn(product.url, input, purse)
    if (isValid && status === 201) taken++
  })
  report.promise(
    `one password at ${SPRAYED} accounts lets nobody into the ${VALID} that have it`,
    taken === 0,
    String(taken),
  )
}

/** They sign in again and again on their own devices, one after the other; told that it is busy, they come once more. */
function startSigningIn(url: string, owners: readonly Resident[]) {
  let isOver = false
  let [count, good] = [0, 0]
  const refusals: string[] = []
  const running = (async () => {
    for (let n = 0; !isOver; n++) {
      const { handle: identifier, password, address, deviceCookies: cookie } = owners[n % owners.length]!
      const attempt = () =>
        trySignIn(url, { identifier, password, address, cookie }, { leftMs: 0 }).catch(() => NO_ANSWER)
      let outcome = await attempt()
      if (outcome.code === 'busy') {
        await sleep(BUSY_PAUSE_MS)
        outcome = await attempt()
      }
      count++
      if (outcome.status === 201) good++
      else refusals.push(`${outcome.status} ${outcome.code}`)
      await sleep(100)
    }
  })()
  return {
    async stop() {
      isOver = true
      await running
      return { count, share: count === 0 ? 0 : good / count, refusals: [...new Set(refusals)].join(', ') }
    },
  }
}

function p99(outcomes: readonly Outcome[], fromMs: number, toMs: number): number {
  const due = outcomes.filter(({ dueAtMs }) => dueAtMs >= fromMs && dueAtMs < toMs)
  return quantileOf(
    due.map(({ tookMs, lateMs }) => tookMs - lateMs),
    0.99,
  )
}
