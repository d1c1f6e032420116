/** The six bad files of documents, dropped into a running instance while people ask. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BAD_DOCUMENTS, GOOD_FLAGS, releaseDocument } from '../../tests/rig/releases/documents.ts'
import { HARMED_SHARE_MAX } from '../../tests/rig/releases/suffering.ts'
import { startVisitors } from '../../tests/rig/releases/visitors.ts'
import { roundTo } from '../../tests/rig/quantile.ts'
import { startProduct } from '../../tests/support/product.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import type { BenchRow } from '../support.ts'
import type { RollbackPart } from './part.ts'

const PER_S = 50
const COUNTED_S = 600
const WAITED_AFTER_S = 5
const PATHS = ['/', '/api/v1/instance', '/api/v1/state', '/api/v1/feed/for-you']
/** Long before a trial could promote one: all of the six are to be found by what they are. */
const BACK_MAX_S = 30

/** @param say hears of each step */
export async function measureDocuments(say: (line: string) => void): Promise<RollbackPart> {
  await using dir = await makeTemporaryDir()
  const dataDir = join(dir.path, 'data')
  // What makes this machine busy besides must not close anything.
  process.env['PROTECTIONS_OFF'] = 'levels'
  await using product = await startProduct({ dataDir, env: { BACKUP: 'off', UPLOAD_RESERVE_BYTES: '0' } })
  await product.settled()
  await using visitors = startVisitors({ url: product.url, paths: PATHS, perS: PER_S })
  say('a good one …')
  const good = await releaseDocument(dataDir, 'flags', GOOD_FLAGS)
  const rows: BenchRow[] = []
  const fallsShort = good.phase === 'in-force' ? [] : [`The good document is ${good.phase}: ${good.detail}`]
  for (const { name, kind, text } of BAD_DOCUMENTS) {
    say(`${name} …`)
    visitors.reset()
    const fate = await releaseDocument(dataDir, kind, text)
    const before = { ...visitors.visits }
    await sleep(WAITED_AFTER_S * 1_000)
    const { asked, failed } = visitors.visits
    const failedAfterShare = (failed - before.failed) / Math.max(1, asked - before.asked)
    const reckoned = Math.max(0, COUNTED_S * PER_S - asked)
    const failedShare = (failed + reckoned * failedAfterShare) / (asked + reckoned)
    const backS = roundTo(fate.tookMs / 1_000, 1)
    rows.push(
      {
        what: `${name}: ${fate.phase} after its file drop`,
        ours: backS,
        rival: null,
        unit: 's',
        target: `≤ ${BACK_MAX_S} s`,
      },
      {
        what: `${name}: requests that failed, to 10 min after its start`,
        ours: roundTo(failedShare * 100, 4),
        rival: null,
        unit: '%',
        target: `≤ ${HARMED_SHARE_MAX * 100} %`,
      },
    )
    if (fate.phase !== 'refused' && fate.phase !== 'back')
      fallsShort.push(`"${name}" is ${fate.phase}: ${fate.detail}`)
    if (backS > BACK_MAX_S) fallsShort.push(`"${name}" was back after ${backS} s.`)
    if (failedShare > HARMED_SHARE_MAX)
      fallsShort.push(`"${name}" harmed ${roundTo(failedShare * 100, 3)} % of requests.`)
  }
  return { rows, figures: { goodDocumentS: roundTo(good.tookMs / 1_000, 1) }, fallsShort }
}
