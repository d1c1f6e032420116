/** The walls of `.dependency-cruiser.cjs` stand: each one is run against by a violation planted in a house of cards. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeTemporaryDir, type TemporaryDir } from './support/temporary-dir.ts'

const REPOSITORY = join(import.meta.dirname, '..')
const run = promisify(execFile)

/** Each file of the house, and what it imports. */
const HOUSE: Record<string, readonly string[]> = {
  'contract/videos.ts': ['zod', '../kit/log.ts'],
  'engines/detect/index.ts': [],
  'engines/ladder/index.ts': ['node:fs', '../../contract/videos.ts', '../steward/index.ts'],
  'engines/steward/index.ts': ['type ../ladder/index.ts'],
  'kit/log.ts': ['pino', '../platform/app/config.ts'],
  'kit/dev.ts': ['vitest'],
  'kit/admission/core/gate.ts': ['node:timers', '../../log.ts'],
  'platform/app/config.ts': ['../modules/likes/index.ts'],
  'platform/infra/db/index.ts': ['kysely', './no-such-file.ts'],
  'platform/infra/disk.ts': ['../app/errors.ts'],
  'platform/app/errors.ts': [],
  'platform/cycle-a.ts': ['./cycle-b.ts'],
  'platform/cycle-b.ts': ['./cycle-a.ts'],
  'platform/modules/likes/index.ts': ['./likes.routes.ts', './likes.queries.ts'],
  'platform/modules/likes/likes.queries.ts': ['kysely'],
  'platform/modules/likes/likes.schema.ts': ['type kysely'],
  'platform/modules/likes/likes.service.ts': ['kysely', './likes.queries.ts', '../videos/index.ts'],
  'platform/modules/likes/likes.routes.ts': [
    './likes.queries.ts',
    './likes.service.ts',
    '../videos/rules.ts',
  ],
  'platform/modules/likes/likes.test.ts': ['vitest', '../videos/rules.ts', '../../../tests/support/world.ts'],
  'platform/modules/videos/index.ts': ['./rules.ts'],
  'platform/modules/videos/rules.ts': [],
  'platform/roles/api.ts': ['../modules/likes/index.ts', '../modules/likes/likes.service.ts'],
  'cli/status.ts': ['../platform/app/errors.ts'],
  'platform/roles/worker.ts': ['../../tests/support/world.ts', '../../watch/index.ts', '../../cli/status.ts'],
  'bench/feed.ts': ['../tests/rig/children.ts', '../tests/faults/report.ts'],
  'tests/rig/children.ts': ['../../bench/restore.ts'],
  'bench/restore.ts': [],
  'tests/faults/report.ts': ['../rig/children.ts'],
  'tests/support/world.ts': ['../../platform/modules/likes/index.ts'],
  'watch/index.ts': ['../engines/detect/index.ts', '../kit/log.ts'],
  'watch/incidents/index.ts': ['./status.ts'],
  'watch/incidents/status.ts': ['type ../peers/overlay.ts', '../store/index.ts'],
  'watch/peers/index.ts': ['../incidents/index.ts', 'type ../incidents/status.ts'],
  'watch/peers/overlay.ts': [],
  'watch/peers/overlay.test.ts': ['../incidents/status.ts'],
  'watch/store/index.ts': [],
  'watch/store.ts': ['../platform/app/errors.ts', '../engines/ladder/index.ts'],
  'web/src/page.ts': ['../../contract/videos.ts', '../../engines/ladder/index.ts'],
}

/** Which wall each planted violation runs against; what is not listed here is allowed. */
const VIOLATIONS = [
  ['no-cycles', 'platform/cycle-a.ts', 'platform/cycle-b.ts'],
  ['no-unresolved', 'platform/infra/db/index.ts', './no-such-file.ts'],
  [
    'module-through-index-from-module',
    'platform/modules/likes/likes.routes.ts',
    'platform/modules/videos/rules.ts',
  ],
  ['module-through-index-from-elsewhere', 'platform/roles/api.ts', 'platform/modules/likes/likes.service.ts'],
  ['infra-knows-no-module', 'platform/infra/disk.ts', 'platform/app/errors.ts'],
  ['app-knows-no-module', 'platform/app/config.ts', 'platform/modules/likes/index.ts'],
  ['kysely-in-queries-only', 'platform/modules/likes/likes.service.ts', 'kysely'],
  [
    'routes-without-queries',
    'platform/modules/likes/likes.routes.ts',
    'platform/modules/likes/likes.queries.ts',
  ],
  ['engines-pure-packages', 'engines/ladder/index.ts', 'fs'],
  ['engines-pure-packages', 'engines/ladder/index.ts', 'contract/videos.ts'],
  ['engines-share-types-only', 'engines/ladder/index.ts', 'engines/steward/index.ts'],
  ['kit-imports-none-of-ours', 'kit/log.ts', 'platform/app/config.ts'],
  ['admission-core-is-pure', 'kit/admission/core/gate.ts', 'timers'],
  ['admission-core-is-pure', 'kit/admission/core/gate.ts', 'kit/log.ts'],
  ['contract-imports-zod-only', 'contract/videos.ts', 'kit/log.ts'],
  ['watch-apart-from-platform', 'watch/store.ts', 'platform/app/errors.ts'],
  ['watch-apart-from-platform', 'watch/store.ts', 'engines/ladder/index.ts'],
  ['incidents-through-index', 'watch/peers/index.ts', 'watch/incidents/status.ts'],
  ['incidents-below-those-who-show-them', 'watch/incidents/status.ts', 'watch/peers/overlay.ts'],
  ['platform-apart-from-watch', 'platform/roles/worker.ts', 'watch/index.ts'],
  ['nothing-needs-the-command-line', 'platform/roles/worker.ts', 'cli/status.ts'],
  ['web-imports-contract-only', 'web/src/page.ts', 'engines/ladder/index.ts'],
  ['product-without-tests', 'platform/roles/worker.ts', 'tests/support/world.ts'],
  ['drills-apart-from-benchmarks', 'bench/feed.ts', 'tests/faults/report.ts'],
  ['tests-without-benchmarks', 'tests/rig/children.ts', 'bench/restore.ts'],
  ['product-without-dev-packages', 'kit/dev.ts', 'vitest'],
] as const

interface Violation {
  readonly rule: { readonly name: string }
  readonly from: string
  readonly to: string
}

let house: TemporaryDir
let found: readonly Violation[]

beforeAll(async () => {
  house = await makeTemporaryDir()
  for (const [path, imports] of Object.entries(HOUSE)) {
    await mkdir(dirname(join(house.path, path)), { recursive: true })
    await writeFile(join(house.path, path), imports.map(toImport).join('\n'))
  }
  await symlink(join(REPOSITORY, 'node_modules'), join(house.path, 'node_modules'))
  await writeFile(join(house.path, 'tsconfig.json'), '{}')
  await writeFile(
    join(house.path, 'package.json'),
    JSON.stringify({
      type: 'module',
      dependencies: { zod: '*', pino: '*', kysely: '*' },
      devDependencies: { vitest: '*' },
    }),
  )
  found = await cruise(house.path)
})
afterAll(() => house[Symbol.asyncDispose]())

function toImport(specifier: string, index: number): string {
  return specifier.startsWith('type ')
    ? `import type * as _${index} from '${specifier.slice(5)}'`
    : `import * as _${index} from '${specifier}'`
}

async function cruise(dir: string): Promise<readonly Violation[]> {
  const { stdout } = await run(
    process.execPath,
    [
      join(REPOSITORY, 'node_modules/.bin/depcruise'),
      ...['--config', join(REPOSITORY, '.dependency-cruiser.cjs'), '--output-type', 'json'],
      ...['bench', 'contract', 'engines', 'kit', 'platform', 'tests', 'watch', 'web'],
    ],
    { cwd: dir, maxBuffer: 50_000_000 },
  )
  const result = JSON.parse(stdout) as { summary: { violations: readonly Violation[] } }
  return result.summary.violations
}

const isAt = (violation: Violation, from: string, to: string) =>
  violation.from === from && (violation.to === to || violation.to.includes(`node_modules/${to}/`))

test.each(VIOLATIONS)('%s: %s may not import %s', (wall, from, to) => {
  const walls = found.filter((violation) => isAt(violation, from, to)).map((violation) => violation.rule.name)

  expect(walls).toContain(wall)
})

test('nothing else is forbidden', () => {
  const unexpected = found.filter(
    (violation) =>
      !VIOLATIONS.some(([wall, from, to]) => violation.rule.name === wall && isAt(violation, from, to)),
  )

  expect(unexpected.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([])
})

test('the environment is read by the configuration only', async () => {
  await using dir = await makeTemporaryDir()
  for (const file of ['platform/app/config.ts', 'platform/modules/likes/likes.service.ts']) {
    await mkdir(dirname(join(dir.path, file)), { recursive: true })
    await writeFile(join(dir.path, file), "export const port = process.env['PORT']\n")
  }

  // Its exceptions are named by paths that begin where the configuration lies.
  await copyFile(join(REPOSITORY, '.oxlintrc.json'), join(dir.path, '.oxlintrc.json'))
  const oxlint = join(REPOSITORY, 'node_modules/.bin/oxlint')
  const { stdout } = await run(oxlint, ['--format', 'unix', '.'], { cwd: dir.path }).catch(
    (refused: { stdout: string }) => refused,
  )

  expect(stdout).toContain('platform/modules/likes/likes.service.ts:1:21')
  expect(stdout).toContain('no-process-env')
  expect(stdout).not.toContain('platform/app/config.ts')
})
