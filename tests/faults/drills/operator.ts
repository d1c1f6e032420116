/**
 * What an operator does while the database stands still and the workers are dead: each command answers within a second. The
 * name service is not asked at all: everything goes over a socket in the data folder.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { upbeat } from '../../support/command-line.ts'
import { startProduct } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { startOwnDatabase } from '../injecting/own-database.ts'
import { eventually } from '../../rig/eventually.ts'
import { allowedMs, type Report } from '../report.ts'
import { readState, untilState } from '../../rig/service.ts'
import { killVictim } from '../../rig/victims.ts'

const LIMIT_MS = 1_000
const FOLLOWED_MS = 3_000
const REASON = ['--reason', 'a drill']

/** In this order: each leaves things as the next needs them. */
const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['status', '--json'],
  ['state'],
  ['state', '--json'],
  ['level', '5', ...REASON, '--for', '10m'],
  ['level', 'auto'],
  ['pause', 'comments', ...REASON, '--for', '10m'],
  ['resume', 'comments'],
  ['maintenance', 'announce', '--from', '+1h', '--for', '1h', '--text', 'A drill is to come.'],
  ['maintenance', 'cancel'],
  ['hold', 'ingest'],
  ['release', 'ingest'],
  ['restart', 'api'],
  ['audit', '--last', '5'],
  ['metrics'],
]
/** Where something is amiss, these say so by ending with 1: that is no failure of the command. */
const LOOKS = ['status', 'state']
const isExpected = (command: readonly string[], code: number | null) =>
  code === 0 || (code === 1 && LOOKS.includes(command[0]!))

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using database = await startOwnDatabase(dir.path)
  const dataDir = join(dir.path, 'data')
  await using product = await startProduct({
    dataDir,
    env: { DATABASE_URL: database.url, UPLOAD_RESERVE_BYTES: '0', BACKUP: 'off' },
  })
  // A command that nobody has used for long is read from the disk first: that takes what the disk takes, and is no fault of these.
  for (const command of COMMANDS.filter(([name]) => name !== 'restart'))
    await upbeat([...command, '--data', dataDir])
  await product.settled()
  await database.freeze()
  await product.control({ command: 'hold', role: 'worker' })
  await killVictim(product, 'ingest')
  await sleep(2_000)

  const limitMs = allowedMs(LIMIT_MS)
  for (const command of COMMANDS) {
    const { code, tookMs, errors } = await upbeat([...command, '--data', dataDir])
    report.promise(
      `upbeat ${command.join(' ')}: within ${Math.round(limitMs)} ms`,
      isExpected(command, code) && tookMs <= limitMs,
      `${Math.round(tookMs)} ms${isExpected(command, code) ? '' : `, ended with ${code}: ${errors.trim().split('\n')[0]}`}`,
    )
    if (command.join(' ').startsWith('level 5')) await promiseFollowed(report, product.url, 5)
    if (command[0] === 'pause') await promisePaused(report, product.url)
  }
  await database.comeBack()
  const isBack = await eventually(
    allowedMs(15_000),
    async () => ((await readState(product.url))?.level ?? 5) < 4,
  )
  report.promise('with the database back, it comes back by itself', isBack !== null)
}

async function promiseFollowed(report: Report, url: string, level: number): Promise<void> {
  const tookMs = await untilState(url, FOLLOWED_MS, (state) => state.level === level)
  report.promise(
    'the level that was ordered is in force, and told to people',
    tookMs !== null,
    tookMs === null ? `level ${(await readState(url))?.level}` : `${Math.round(tookMs)} ms`,
  )
}

async function promisePaused(report: Report, url: string): Promise<void> {
  const tookMs = await untilState(url, FOLLOWED_MS, ({ features }) => features['comments']?.mode === 'paused')
  report.promise(
    'the feature that was paused is, and people are told why',
    tookMs !== null,
    tookMs === null ? 'it is not' : `${Math.round(tookMs)} ms`,
  )
}
