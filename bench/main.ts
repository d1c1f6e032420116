/** `npm run -s bench -- NAME`: runs one benchmark, prints its table and, last, one line of JSON. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { printResult, type BenchResult } from './support.ts'

const name = process.argv[2] ?? ''
const file = join(import.meta.dirname, `${name}.ts`)
const isKnown = /^[a-z][a-z-]*$/.test(name) && !['main', 'support'].includes(name)
if (
  !isKnown ||
  !(await access(file).then(
    () => true,
    () => false,
  ))
) {
  console.error(`There is no benchmark "${name}". Each file in bench/ but main and support is one.`)
  process.exit(2)
}
const { run } = (await import(file)) as { run(): Promise<BenchResult> }
printResult(await run())
process.exit(0)
