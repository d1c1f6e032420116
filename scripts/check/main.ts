/**
 * Passes every test: what the code says of itself, what it does on two PostgreSQLs, in a real browser, and under faults.
 *
 *   node scripts/check/main.ts [--quick|--full]
 */
import { parseArgs } from 'node:util'
import { DRILLS } from '../../tests/faults/catalogue.ts'
import { auditPackages } from './audit.ts'
import { startDebianPostgres } from './debian-postgres.ts'
import { drill, listDatabaseTests, npmScript, ONE_FAILED, vitest, type Count, type Step } from './steps.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, full: { type: 'boolean', default: false } },
})

/** Two cores are what we count on. */
const CORES = 2

/** What the code says of itself; what takes longest comes first. */
const STATIC: readonly Step[] = [
  npmScript('types', 'types'),
  npmScript('types of the web app', 'types:web'),
  npmScript('lint', 'lint'),
  npmScript('walls', 'walls'),
  npmScript('nothing unused', 'unused'),
  npmScript('format', 'format:check'),
  npmScript('size of the web app', 'size:web'),
  auditPackages,
]

/** They wait a third of their time, for processes to start and for clocks. */
const NODE_WORKERS = 3
const onEmbedded = vitest('tests, on the embedded PostgreSQL', async () => ({
  projects: ['node', 'web'],
  workers: NODE_WORKERS,
}))
const inChromium = vitest('tests in Chromium', async () => ({ projects: ['e2e'] }))

await using stack = new AsyncDisposableStack()
const onDebian = vitest('database tests, on the PostgreSQL of Debian', async () => {
  const server = await startDebianPostgres()
  if (!server) return { skipped: 'the package postgresql is not installed' }
  stack.use(server)
  const env = { TEST_DATABASE_URL: server.url }
  return { projects: ['node'], files: await listDatabaseTests(), env, workers: NODE_WORKERS }
})

/** The short drills wait more than they work; the latencies of the others mean something only when nothing runs beside. */
const drillsOf = (isShort: boolean): Step[] =>
  Object.keys(DRILLS)
    .filter((name) => DRILLS[name]!.isShort === isShort)
    .map(drill)

// An ordinary exit ends the steps under way.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const total = { passed: 0, failed: 0, skipped: 0 }
const startedMs = performance.now()
await runAll(STATIC, CORES)
await runAll([onEmbedded], 1)
if (!values.quick) {
  await runAll([onDebian, inChromium], 1)
  await runAll(drillsOf(true), CORES)
}
if (values.full) await runAll(drillsOf(false), 1)

await stack.disposeAsync().catch((error: unknown) => {
  console.error(error)
  add(ONE_FAILED)
})
console.log(`\nThe check took ${seconds(startedMs)} s.`)
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
process.exitCode = total.failed > 0 ? 1 : 0
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`)

/** Runs the steps from the first on, so many side by side. */
async function runAll(steps: readonly Step[], sideBySide: number): Promise<void> {
  const waiting = [...steps]
  const lane = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) add(await runStep(step))
  }
  await Promise.all(Array.from({ length: sideBySide }, lane))
}

async function runStep(step: Step): Promise<Count> {
  const stepStartedMs = performance.now()
  console.log(`\n▸ ${step.name}`)
  const count = await step
    .run((text) => void process.stdout.write(text))
    .catch((error: unknown) => {
      console.error(`${step.name} could not go on:`, error)
      return ONE_FAILED
    })
  const { passed, failed, skipped } = count
  const mark = failed > 0 ? '✗' : '✓'
  console.log(
    `${mark} ${step.name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds(stepStartedMs)} s)`,
  )
  return count
}

function add(count: Count): void {
  total.passed += count.passed
  total.failed += count.failed
  total.skipped += count.skipped
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1_000).toFixed(1)
}
