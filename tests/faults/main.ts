/**
 * `npm run -s drill -- NAME|short|all`: injects a fault into a product that it starts itself, and prints a line for each
 * promise that must hold meanwhile and afterwards.
 */
import { createReport, type Drill } from './report.ts'

/** Those that the check passes every time; `all` adds the longer ones. */
const SHORT: Readonly<Record<string, () => Promise<Drill>>> = {
  'kill-one': async () => (await import('./kill-one.ts')).run,
  'kill-all': async () => (await import('./kill-all.ts')).run,
  'full-disk': async () => (await import('./full-disk.ts')).run,
  'late-database': async () => (await import('./late-database.ts')).run,
  restore: async () => (await import('./restore.ts')).run,
}
const LONG: Readonly<Record<string, () => Promise<Drill>>> = {
  overload: async () => (await import('./overload.ts')).run,
  watch: async () => (await import('./watch.ts')).run,
  'two-watches': async () => (await import('./two-watches.ts')).run,
}
const ALL = { ...SHORT, ...LONG }

// An ordinary exit ends the product that a drill has started; a second signal must not cut that short.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

const name = process.argv[2] ?? ''
const chosen = name === 'all' ? ALL : name === 'short' ? SHORT : { [name]: ALL[name] }
const report = createReport((line) => console.log(line))
for (const [title, load] of Object.entries(chosen)) {
  if (!load) {
    console.error(`There is no drill "${title}". There are: ${Object.keys(ALL).join(', ')}, short, all`)
    process.exit(2)
  }
  console.log(`\n▸ ${title}`)
  try {
    await (
      await load()
    )(report)
  } catch (error) {
    report.broke(title, error)
  }
}
const { passed, failed, skipped } = report.counts
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(failed > 0 ? 1 : 0)
