/** `upbeat doctor`: every finding as it comes, each with its remedy. */
import { localUrlOf } from '../platform/supervisor/addresses.ts'
import { askSupervisor, type SupervisorStatus } from '../platform/supervisor/control.ts'
import { diagnose, type Finding } from '../platform/modules/operations/index.ts'
import type { Config } from '../platform/app/config.ts'
import { commandLog, findDatabaseUrl } from './instance.ts'
import { onInterrupt } from './interrupt.ts'
import type { Arguments } from './arguments.ts'
import { settingsOf } from './settings.ts'
import { timesInWords } from './times.ts'

const MARKS = { fine: '✓', advice: '!', problem: '✗', unknown: '?' }

/** The exit code is 1 when there is a problem. */
export async function runDoctor(given: Arguments): Promise<number> {
  const config = settingsOf(given)
  const signal = onInterrupt()
  const status = await askSupervisor(config.dataDir, { command: 'status' }).catch(() => null)
  const findings: Finding[] = []
  const tell = (finding: Finding) => {
    findings.push(finding)
    if (given.isJson) return
    console.log(`${MARKS[finding.state]} ${finding.about}: ${timesInWords(finding.what, new Date())}`)
    if (finding.remedy !== null && finding.state !== 'fine') console.log(`    → ${finding.remedy}`)
  }
  for (const finding of judgeProcesses(status)) tell(finding)
  const input = {
    config,
    log: commandLog(),
    databaseUrl: await findDatabaseUrl(config),
    publicUrl: given.url ?? addressOf(config, status),
    now: () => new Date(),
    signal,
  }
  for await (const finding of diagnose(input)) tell(finding)
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  if (given.isJson) console.log(JSON.stringify({ findings }, null, 2))
  else
    console.log(
      `\n${count('fine')} fine, ${count('problem')} to mend, ${count('advice')} to consider, ${count('unknown')} unknown`,
    )
  return count('problem') > 0 ? 1 : 0
}

/** The address that the configuration names; else this machine's own. */
const addressOf = (config: Config, status: SupervisorStatus | null): string | null =>
  config.publicUrl ?? (status && localUrlOf(config.host, status.port))

function* judgeProcesses(status: SupervisorStatus | null): Generator<Finding> {
  const about = 'Processes'
  if (!status) {
    yield {
      about,
      state: 'problem',
      what: 'Upbeat does not run on this data folder.',
      remedy: 'Start it: ./up',
    }
    return
  }
  for (const { role, state, restartCount } of status.roles) {
    if (state === 'ready')
      yield {
        about,
        state: 'fine',
        what: `${role} is ready${restartCount > 0 ? `, started again ${restartCount} times` : ''}.`,
        remedy: null,
      }
    else
      yield {
        about,
        state: 'problem',
        what: `${role} is ${state}.`,
        remedy:
          state === 'held'
            ? `Let it start again: upbeat release ${role}`
            : 'See the logs for why it does not start.',
      }
  }
}
