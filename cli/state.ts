/** `upbeat state`: how the whole fares, out of what the processes themselves said within the last seconds. */
import type { OperationsState, RoleVitals } from '../contract/operations.ts'
import { askDesk } from '../platform/supervisor/control.ts'
import type { Command } from './arguments.ts'
import { levelInWords } from './level-line.ts'
import { sizeInWords } from './progress.ts'
import { settingsOf } from './settings.ts'
import { ageInWords, instantInWords } from './times.ts'

/** The exit code is 0 when everything is on, 1 when something is not. */
export const showState: Command = async (given) => {
  const { dataDir } = settingsOf(given)
  const state = await askDesk(dataDir, { command: 'state' })
  if (given.isJson) console.log(JSON.stringify(state, null, 2))
  else for (const line of describe(state)) console.log(line)
  return isWhole(state) ? 0 : 1
}

const isWhole = ({ service, roles }: OperationsState): boolean =>
  service !== null &&
  service.level === 0 &&
  Object.values(service.features).every(({ mode }) => mode === 'on') &&
  roles.length > 0 &&
  roles.every(({ state }) => state === 'ready')

function* describe(state: OperationsState): Generator<string> {
  const now = new Date(state.at)
  yield* describeService(state, now)
  yield* describeOrders(state, now)
  for (const vitals of state.roles) yield `  ${vitals.role.padEnd(11)} ${describeRole(vitals, now)}`
  yield* describeParts(state, now)
  yield* describeCare(state, now)
}

function* describeService(state: OperationsState, now: Date): Generator<string> {
  const { service, restoration } = state
  yield levelInWords(state, now)
  if (!service) return
  const fallen = Object.entries(service.features).filter(([, { mode }]) => mode !== 'on')
  for (const [feature, { mode, reason, note, share }] of fallen)
    yield `  ${feature.padEnd(14)}${mode}${share > 0 && share < 1 ? `, back for ${Math.round(share * 100)} %` : ''}${reason ? `: ${reason}` : ''}${note ? ` (${note})` : ''}`
  yield fallen.length === 0 ? '  every feature is on' : '  every other feature is on'
  for (const step of restoration?.steps ?? [])
    if (step.state !== 'open')
      yield `  step ${step.step}: ${step.state === 'opening' ? `open for ${Math.round(step.share * 100)} %` : 'closed'}${step.waitsFor ? `, waits: ${step.waitsFor}` : ''}`
}

function* describeOrders(
  { orders: { level, features, maintenance, shapes } }: OperationsState,
  now: Date,
): Generator<string> {
  if (level)
    yield `  ordered     level ${level.level} until ${instantInWords(level.untilAt, now)}: ${level.reason}`
  for (const { feature, untilAt, reason } of features)
    yield `  ordered     ${feature} paused until ${instantInWords(untilAt, now)}: ${reason}`
  for (const { shape, untilAt, reason } of shapes)
    yield `  refused     ${shape} until ${instantInWords(untilAt, now)}: ${reason}`
  if (maintenance)
    yield `  maintenance ${maintenance.state}, ${instantInWords(maintenance.startsAt, now)} to ${instantInWords(maintenance.endsAt, now)}: ${maintenance.text}`
}

function describeRole(vitals: RoleVitals, now: Date): string {
  const { state, pid, restartCount, asOf } = vitals
  const known = [
    pid === null ? null : `process ${pid}`,
    restartCount > 0 ? `restarted ${restartCount} times` : null,
    vitals.cpuCores === null ? null : `${vitals.cpuCores.toFixed(2)} cores`,
    vitals.rssBytes === null ? null : sizeInWords(vitals.rssBytes),
    vitals.eventLoopP99Ms === null ? null : `event loop ${vitals.eventLoopP99Ms.toFixed(0)} ms late`,
    vitals.requestsPerS === null ? null : `${vitals.requestsPerS.toFixed(0)} requests/s`,
    ...vitals.doors.map(({ name, inFlight, limit }) => `${name} ${inFlight} of ${limit.toFixed(0)}`),
    state === 'ready' && vitals.rssBytes === null
      ? asOf === null
        ? 'has said nothing yet'
        : `silent for ${ageInWords(asOf, now)}`
      : null,
  ]
  return [state, ...known.filter((it) => it !== null)].join(', ')
}

function* describeParts(
  { dependencies, database, journal, disk, jobs }: OperationsState,
  now: Date,
): Generator<string> {
  for (const { dependency, isUp, detail } of dependencies)
    if (isUp === false) yield `  away        ${dependency}${detail ? `: ${detail}` : ''}`
  yield `  database    ${database?.isUp === undefined || database.isUp === null ? 'unknown' : database.isUp ? 'up' : 'away'}${database?.pingMs ? `, ${database.pingMs.toFixed(1)} ms` : ''}${database?.since ? `, for ${ageInWords(database.since, now)}` : ''}`
  if (journal)
    yield `  journal     ${journal.isWritable === false ? 'can not be written, ' : ''}${journal.pending ?? 'unknown'} entries wait`
  if (disk.freeBytes !== null && disk.totalBytes !== null)
    yield `  disk        ${sizeInWords(disk.freeBytes)} of ${sizeInWords(disk.totalBytes)} free`
  const waiting = jobs.queues.filter((queue) => (queue.waiting ?? 0) > 0 || (queue.running ?? 0) > 0)
  yield `  jobs        ${jobs.asOf === null ? 'unknown' : waiting.length === 0 ? 'none wait' : waiting.map((it) => `${it.queue} ${it.running} run, ${it.waiting} wait`).join('; ')}`
}

function* describeCare({ standby, backups, drills }: OperationsState, now: Date): Generator<string> {
  yield `  standby     ${standby.asOf === null ? 'nothing is on the disk' : `${standby.videos} videos, ${ageInWords(standby.asOf, now)} old`}`
  yield `  backup      ${backups.lastBackupAt === null ? 'none is known' : `${ageInWords(backups.lastBackupAt, now)} old`}; restore ${backups.lastProofAt === null ? 'never proven' : `proven ${ageInWords(backups.lastProofAt, now)} ago`}`
  if (backups.trouble) yield `              ${backups.trouble}`
  if (drills)
    yield `  drills      ${drills.passed} promises kept, ${drills.failed} broken, ${ageInWords(drills.endedAt, now)} ago`
}
