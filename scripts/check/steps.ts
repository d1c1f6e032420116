/** The steps of the check, and how each one is counted. */
import { spawn } from 'node:child_process'
import { access, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const REPOSITORY = join(import.meta.dirname, '..', '..')

export interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export interface Step {
  readonly name: string
  /** What it says while it runs goes to `say`. */
  run(say: (text: string) => void): Promise<Count>
}

/** What was compiled once is there for all the processes that the tests start: they start hundreds. */
const COMPILED_DIR = join(REPOSITORY, '.cache', 'compiled')

const ONE_PASSED: Count = { passed: 1, failed: 0, skipped: 0 }
export const ONE_FAILED: Count = { passed: 0, failed: 1, skipped: 0 }

/** One npm script that passes or fails as a whole. */
export function npmScript(name: string, script: string): Step {
  return {
    name,
    async run(say) {
      const { code, output } = await execute('npm', ['run', '--silent', script], { timeoutMs: 10 * 60_000 })
      if (code === 0) return ONE_PASSED
      say(`${output}\n`)
      return ONE_FAILED
    },
  }
}

export interface VitestOptions {
  readonly projects: readonly ('node' | 'web' | 'e2e')[]
  /** Only these files. @default all of the project */
  readonly files?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Files at once. @default as its configuration says */
  readonly workers?: number
}

/** One run of vitest, counted by test. */
export function vitest(name: string, options: () => Promise<VitestOptions | { skipped: string }>): Step {
  return {
    name,
    async run(say) {
      const chosen = await options()
      if ('skipped' in chosen) {
        say(`skipped: ${chosen.skipped}\n`)
        return { passed: 0, failed: 0, skipped: 1 }
      }
      const report = join(tmpdir(), `upbeat-check-${process.pid}-${Math.random().toString(36).slice(2)}.json`)
      const args = ['run', ...chosen.projects.flatMap((project) => ['--project', project])]
      if (chosen.workers) args.push(`--maxWorkers=${chosen.workers}`)
      const { code } = await execute(
        join(REPOSITORY, 'node_modules/.bin/vitest'),
        [...args, '--reporter=default', '--reporter=json', `--outputFile=${report}`, ...(chosen.files ?? [])],
        { timeoutMs: 40 * 60_000, env: chosen.env, onOutput: say },
      )
      return countReport(report, code).finally(() => rm(report, { force: true }))
    },
  }
}

async function countReport(path: string, code: number): Promise<Count> {
  const report = JSON.parse(await readFile(path, 'utf8').catch(() => '{}')) as {
    numPassedTests?: number
    numFailedTests?: number
    numPendingTests?: number
    numTodoTests?: number
  }
  const failed = report.numFailedTests ?? 0
  return {
    passed: report.numPassedTests ?? 0,
    // A file that can't be loaded, or an error outside of any test, fails the run without failing a test.
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
  }
}

/** One drill, counted by promise: its last line tells. What it says comes in one piece, as others may run beside it. */
export function drill(name: string): Step {
  return {
    name: `drill ${name}`,
    async run(say) {
      const { code, output } = await execute('npm', ['run', '--silent', 'drill', '--', name], {
        timeoutMs: 20 * 60_000,
      })
      say(`${output}\n`)
      const told = /(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/.exec(output)
      if (!told) return ONE_FAILED
      const failed = Number(told[2])
      return {
        passed: Number(told[1]),
        failed: code !== 0 && failed === 0 ? 1 : failed,
        skipped: Number(told[3] ?? 0),
      }
    },
  }
}

/** They use a database, and test processes, sockets and the encoder: which PostgreSQL it is makes no difference to those. */
const NOT_ABOUT_SQL = new Set([
  'platform/app/journal/journal.test.ts',
  'platform/app/rate-limit.test.ts',
  'platform/app/senses.test.ts',
  'platform/app/slow-clients.test.ts',
  'platform/modules/accounts/passwords/hashing.test.ts',
  'platform/modules/accounts/sessions/sessions-away.test.ts',
  'platform/modules/delivery/delivery.standby.test.ts',
  'platform/modules/feed/feed.standby.test.ts',
  'platform/modules/operations/orders.test.ts',
  'platform/modules/operations/doctor/checks/public-address.test.ts',
  'platform/modules/transcoding/first-playable.test.ts',
  'platform/modules/transcoding/full-disk.test.ts',
  'platform/modules/transcoding/mending.test.ts',
  'platform/modules/transcoding/streaming.test.ts',
  'platform/modules/uploads/interruptions.test.ts',
  'platform/modules/uploads/killed-ingest.test.ts',
  'platform/modules/uploads/upload-to-play.test.ts',
  'platform/supervisor/supervisor.test.ts',
])

/** The test files that reach PostgreSQL: those that make a world or take the suite's server. */
export async function listDatabaseTests(): Promise<string[]> {
  // One that was moved would be run twice, and nobody would hear of it.
  await Promise.all([...NOT_ABOUT_SQL].map((path) => access(join(REPOSITORY, path))))
  const found: string[] = []
  for (const folder of ['platform', 'tests', 'bench', 'cli']) {
    const entries = await readdir(join(REPOSITORY, folder), { recursive: true }).catch(() => [])
    for (const entry of entries.filter((path) => path.endsWith('.test.ts'))) {
      const path = join(folder, entry)
      const text = await readFile(join(REPOSITORY, path), 'utf8')
      if (NOT_ABOUT_SQL.has(path)) continue
      if (!path.startsWith('tests/e2e/') && /from '.+support\/world\.ts'|inject\('databaseUrl'\)/.test(text))
        found.push(path)
    }
  }
  return found.sort()
}

interface ExecuteOptions {
  readonly timeoutMs: number
  readonly env?: Readonly<Record<string, string>>
  readonly onOutput?: (text: string) => void
}

/** Runs a program in the repository and keeps all that it says. */
export function execute(
  program: string,
  args: readonly string[],
  options: ExecuteOptions,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(program, args, {
      cwd: REPOSITORY,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { NODE_COMPILE_CACHE: COMPILED_DIR, ...process.env, NO_COLOR: '1', ...options.env },
      timeout: options.timeoutMs,
    })
    const endWithUs = () => void child.kill('SIGTERM')
    process.once('exit', endWithUs)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        options.onOutput?.(text)
      })
    }
    child.once('error', (error) => resolve({ code: 1, output: output + error.message }))
    child.once('close', (code) => {
      process.off('exit', endWithUs)
      resolve({ code: code ?? 1, output: output.trimEnd() })
    })
  })
}
