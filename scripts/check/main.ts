/**
 * Passes every test: what the code says of itself, what it does on two PostgreSQLs, in a real browser, and under faults.
 *
 *   node scripts/check/main.ts [--quick|--full]
 */
import { parseArgs } from 'node:util'
import { startDebianPostgres } from './debian-postgres.ts'
import { drills, listDatabaseTests, npmScript, vitest, type Count, type Step } from './steps.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, full: { type: 'boolean', default: false } },
})

/** What the code says of itself, in lanes side by side: each takes one core. */
const STATIC: readonly (readonly Step[])[] = [
  [npmScript('types', 'types'), npmScript('nothing unused', 'unused')],
  [
    npmScript('types of the web app', 'types:web'),
    npmScript('size of the web app', 'size:web'),
    npmScript('lint', 'lint'),
    npmScript('format', 'format:check'),
    npmScript('walls', 'walls'),
  ],
]

const onEmbedded = vitest('tests, on the embedded PostgreSQL', async () => ({ project: 'node' }))
const inChromium = vitest('tests in Chromium', async () => ({ project: 'e2e' }))

await using stack = new AsyncDisposableStack()
const onDebian = vitest('database tests, on the PostgreSQL of Debian', async () => {
  const server = await startDebianPostgres()
  if (!server) return { skipped: 'the package postgresql is not installed' }
  stack.use(server)
  return { project: 'node', files: await listDatabaseTests(), env: { TEST_DATABASE_URL: server.url } }
})

const steps: readonly Step[] = values.quick
  ? [onEmbedded]
  : [onEmbedded, onDebian, inChromium, drills('drills', values.full ? 'all' : 'short')]

// An ordinary exit ends the step under way.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const total = { passed: 0, failed: 0, skipped: 0 }
const startedMs = performance.now()
const inOrder = async (lane: readonly Step[]) => {
  for (const step of lane) add(await runStep(step))
}
await Promise.all(STATIC.map(inOrder))
await inOrder(steps)

console.log(`\nThe check took ${seconds(startedMs)} s.`)
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
process.exitCode = total.failed > 0 ? 1 : 0
await stack.disposeAsync()
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`)

async function runStep(step: Step): Promise<Count> {
  const stepStartedMs = performance.now()
  console.log(`\n▸ ${step.name}`)
  const count = await step.run((text) => void process.stdout.write(text))
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
