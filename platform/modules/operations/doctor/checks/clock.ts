/** The clock: whether somebody sets it, and whether it agrees with the database's and with what lies in front. */
import { access } from 'node:fs/promises'
import { openDatabase } from '../../../../infra/db/index.ts'
import type { Check, Finding } from '../doctor.ts'
import * as queries from '../../operations.queries.ts'
import { fine, problem, unknown } from './finding.ts'

const ABOUT = 'Clock'
/** Sign-in codes and signed addresses forgive some seconds. */
const TOLERATED_MS = 5_000
/** An HTTP date has whole seconds. */
const DATE_GRAIN_MS = 1_000
const SYNCHRONISED_MARK = '/run/systemd/timesync/synchronized'
const REMEDY = 'Let a time service set the clock: apt-get install -y chrony'

export const checkClock: Check = async ({ databaseUrl, publicUrl, now, log, signal }) => {
  const findings: Finding[] = []
  const compare = (name: string, beforeMs: number, afterMs: number, theirs: Date, grainMs: number) => {
    const offMs = theirs.getTime() + grainMs / 2 - (beforeMs + afterMs) / 2
    const uncertainMs = (afterMs - beforeMs) / 2 + grainMs / 2
    const off = `${(Math.abs(offMs) / 1_000).toFixed(1)} s ${offMs > 0 ? 'behind' : 'ahead of'}`
    findings.push(
      Math.abs(offMs) > TOLERATED_MS + uncertainMs
        ? problem(
            ABOUT,
            `This machine is ${off} ${name}.`,
            `${REMEDY} (there, too, if it is another machine)`,
          )
        : fine(
            ABOUT,
            `It agrees with ${name} (within ${((Math.abs(offMs) + uncertainMs) / 1_000).toFixed(1)} s).`,
          ),
    )
  }
  if (databaseUrl !== null) {
    await using database = openDatabase({
      url: databaseUrl,
      poolSize: 1,
      applicationName: 'upbeat-doctor',
      onError: (error) => log.debug({ err: error }, 'doctor.connection'),
    })
    await queries.readDatabaseFacts(database.db).catch(() => null)
    const beforeMs = now().getTime()
    const facts = await queries.readDatabaseFacts(database.db).catch(() => null)
    if (facts) compare('the database', beforeMs, now().getTime(), facts.now, 0)
  }
  if (publicUrl !== null) {
    const beforeMs = now().getTime()
    const answer = await fetch(publicUrl, { method: 'HEAD', redirect: 'manual', signal }).catch(() => null)
    const date = new Date(answer?.headers.get('date') ?? Number.NaN)
    if (!Number.isNaN(date.getTime()))
      compare('what answers at the public address', beforeMs, now().getTime(), date, DATE_GRAIN_MS)
  }
  const isSet = await access(SYNCHRONISED_MARK).then(
    () => true,
    () => false,
  )
  if (isSet) findings.push(fine(ABOUT, 'systemd-timesyncd has set it.'))
  else if (findings.every(({ state }) => state === 'fine'))
    findings.push(unknown(ABOUT, 'Whether anything sets it is not known.', REMEDY))
  return findings
}
