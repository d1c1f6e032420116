/**
 * Bad documents while people ask: doubled, not a number, truncated, empty, of the wrong shape, and valid but poisonous. Each is
 * refused, or meets one process only; the last good one holds all the while, also with the supervisor dead and started again.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReleasesState } from '../../../contract/releases.ts'
import { documentsDirOf, inboxOf } from '../../../platform/releases/index.ts'
import { askDesk } from '../../../platform/supervisor/control.ts'
import { eventually } from '../../rig/eventually.ts'
import { startVisitors, type Visitors } from '../../rig/releases/visitors.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import type { DrillOptions } from '../options.ts'
import { allowedMs, type Report } from '../report.ts'

const PATHS = ['/', '/api/v1/instance', '/api/v1/state', '/api/v1/feed/for-you']
const PER_S = 50
const TRIAL_MAX_MS = 120_000
const LAST_GOOD_LIMIT_MS = 1_000
const HARMED_SHARE_MAX = 0.001
const COUNTED_AFTER_S = 600

/** Long enough that a doubled one is told by its size. */
const GOOD_FLAGS = JSON.stringify({
  flags: Object.fromEntries([
    ['sign-up', { isOn: false }],
    ...Array.from({ length: 60 }, (_, n) => [`spare-${n}`, { isOn: n % 2 === 0, note: 'kept for later' }]),
  ]),
})
const DOUBLED_FLAGS = JSON.stringify({
  flags: Object.fromEntries(
    ['', 'again-'].flatMap((prefix) =>
      Object.entries((JSON.parse(GOOD_FLAGS) as { flags: object }).flags).map(([name, flag]) => [
        prefix + name,
        flag,
      ]),
    ),
  ),
})
const points = (chance: number, rest: number) => ({ following: rest, liked: rest, tag: rest, chance })

interface Bad {
  readonly name: string
  readonly kind: string
  readonly text: string
}

const BAD: readonly Bad[] = [
  { name: 'a flag file of double size', kind: 'flags', text: DOUBLED_FLAGS },
  {
    name: 'a ranking artefact of NaNs',
    kind: 'ranking',
    text: '{"model":"nan","points":{"following":NaN,"liked":NaN,"tag":NaN,"chance":NaN}}',
  },
  { name: 'a truncated flag file', kind: 'flags', text: GOOD_FLAGS.slice(0, GOOD_FLAGS.length / 2) },
  { name: 'an empty configuration', kind: 'configuration', text: '' },
  {
    name: 'a valid ranking that ranks by chance',
    kind: 'ranking',
    text: JSON.stringify({ model: 'poison', points: points(10, 0) }),
  },
  {
    name: 'a valid configuration that takes everything away',
    kind: 'configuration',
    text: JSON.stringify({ levels: { eventLoopMs: [0.001, 0.002, 0.003, 0.004, 0.005] } }),
  },
]

export async function run(report: Report, { without }: DrillOptions): Promise<void> {
  await using dir = await makeTemporaryDir()
  const dataDir = join(dir.path, 'data')
  const start = () =>
    startProduct({ dataDir, env: { BACKUP: 'off', UPLOAD_RESERVE_BYTES: '0', DEMO: 'off' } })
  {
    await using product = await start()
    await product.settled()
    await using visitors = startVisitors({ url: product.url, paths: PATHS, perS: PER_S })
    const good = await release(product, dataDir, 'flags', GOOD_FLAGS)
    report.promise('a good document gets through', good.phase === 'in-force', `${good.phase}: ${good.detail}`)
    report.promise(
      'everybody uses it',
      (await eventually(allowedMs(2_000), () => isSignUpClosed(product))) !== null,
    )
    for (const bad of BAD) await promiseRefused(report, { product, dataDir, visitors, bad })
    if (!without.includes('document-check')) {
      const again = await release(product, dataDir, 'ranking', BAD[4]!.text)
      report.promise(
        'the same bad document is refused at once, by its hash',
        again.phase === 'refused' && again.detail.includes('quarantine'),
        again.detail,
      )
    }
    await product.killSupervisor()
  }
  await using product = await start()
  await product.settled()
  report.promise(
    'a restart after the control plane died uses the last good one',
    await isSignUpClosed(product),
  )
}

async function promiseRefused(
  report: Report,
  { product, dataDir, visitors, bad }: { product: Product; dataDir: string; visitors: Visitors; bad: Bad },
): Promise<void> {
  visitors.reset()
  const fate = await release(product, dataDir, bad.kind, bad.text)
  await sleep(1_000)
  report.promise(
    `${bad.name}: refused, or back from one process`,
    fate.phase === 'refused' || fate.phase === 'back',
    `${fate.phase} after ${Math.round(fate.tookMs)} ms: ${fate.detail.slice(0, 160)}`,
  )
  const goodMs = await eventually(allowedMs(LAST_GOOD_LIMIT_MS), () => isSignUpClosed(product))
  report.promise(
    `${bad.name}: the last good one holds, and everything works`,
    goodMs !== null && (await areAllOn(product)),
  )
  const { failed, asked } = visitors.visits
  const share = failed / (asked + PER_S * COUNTED_AFTER_S)
  report.promise(
    `${bad.name}: at most 0.1 % of requests fail, from its start to ten minutes after`,
    share <= HARMED_SHARE_MAX,
    `${failed} of ${asked} until then; ${(share * 100).toFixed(3)} % with the rest as the last ones were`,
  )
}

interface Fate {
  readonly phase: string
  readonly detail: string
  readonly tookMs: number
}

/** By file drop, as a person or a program on the machine does it. */
async function release(product: Product, dataDir: string, kind: string, text: string): Promise<Fate> {
  const before = (await stateOf(dataDir)).documents.length
  const beganMs = performance.now()
  await mkdir(inboxOf(dataDir), { recursive: true })
  await writeFile(join(inboxOf(dataDir), `${kind}.json`), text)
  let last: ReleasesState['documents'][number] | undefined
  await eventually(TRIAL_MAX_MS, async () => {
    const { documents } = await stateOf(dataDir)
    last = documents.length > before ? documents[0] : undefined
    return last !== undefined && last.phase !== 'checking' && last.phase !== 'trial'
  })
  return {
    phase: last?.phase ?? 'unseen',
    detail: last?.detail ?? `nothing in ${documentsDirOf(dataDir)} of ${product.url}`,
    tookMs: performance.now() - beganMs,
  }
}

const stateOf = (dataDir: string): Promise<ReleasesState> => askDesk(dataDir, { command: 'releases' })

async function isSignUpClosed({ url }: Product): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/instance`)
  return ((await response.json()) as { isSignUpOpen: boolean }).isSignUpOpen === false
}

async function areAllOn({ url }: Product): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/state`)
  return ((await response.json()) as { level: number }).level <= 1
}
