/**
 * `npm run -s drill -- NAME|short|all`: injects a fault into a product that it starts itself, and prints a line for each
 * promise that must hold meanwhile and afterwards.
 *
 * `--without PROTECTION` switches a protection off, to see the promises break; `--prove` runs each drill so and passes when
 * they do. `--record DIR` (or `--data DIR`, the data folder whose operator's page shall show it) keeps the results.
 */
import { DRILLS } from './catalogue.ts'
import { readCommand, UsageError, type Command } from './options.ts'
import { proveDrill } from './prove.ts'
import { recordResult } from './record.ts'
import { createReport, type Counts } from './report.ts'

// An ordinary exit ends the product that a drill has started; a second signal must not cut that short.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const command = understand()
const total = { passed: 0, failed: 0, skipped: 0 }
for (const name of command.names) add(await (command.isProof ? prove(name) : drill(name, command)))
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`)
process.exit(total.failed > 0 ? 1 : 0)

function understand(): Command {
  try {
    return readCommand(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(error.message)
    process.exit(2)
  }
}

async function drill(name: string, { recordDir, ...options }: Command): Promise<Counts> {
  const title = options.without.length > 0 ? `${name} (without ${options.without.join(', ')})` : name
  console.log(`\n▸ ${title}`)
  const startedMs = performance.now()
  // Every product that is started from here inherits it. A busy machine alone may raise the level.
  const { needsLevels, load } = DRILLS[name]!
  process.env['PROTECTIONS_OFF'] = [...options.without, ...(needsLevels ? [] : ['levels'])].join(',')
  const report = createReport((line) => console.log(line))
  try {
    const run = await load()
    await run(report, options)
  } catch (error) {
    report.broke(name, error)
  }
  const durationS = Math.round((performance.now() - startedMs) / 100) / 10
  console.log(`  ${durationS} s`)
  const { promises } = report
  if (recordDir !== null && options.without.length === 0)
    await recordResult(recordDir, { name, endedAt: new Date().toISOString(), durationS, promises })
  return report.counts
}

async function prove(name: string): Promise<Counts> {
  const { provenWithout } = DRILLS[name]!
  const report = createReport((line) => console.log(line))
  if (provenWithout.length > 0) console.log(`\n▸ proof of ${name}`)
  for (const protection of provenWithout) await proveDrill(report, name, protection)
  return report.counts
}

function add(counts: Counts): void {
  total.passed += counts.passed
  total.failed += counts.failed
  total.skipped += counts.skipped
}
