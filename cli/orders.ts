/** Orders to the operator's desk: `upbeat level`, `pause`, `resume`, `maintenance`, `restart`, `hold`, `release`, `audit`. */
import { userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { OperatorOrder, RoleName, type AuditEntry, type OrderOutcome } from '../contract/operations.ts'
import { Feature, LEVEL_MAX } from '../contract/state.ts'
import { environmentWith } from '../platform/app/config.ts'
import { askDesk, AUDIT_MAX } from '../platform/supervisor/control.ts'
import { UsageError, type Arguments, type Command } from './arguments.ts'
import { settingsOf } from './settings.ts'
import { instantInWords, readDuration, readInstant, spanInWords, timesInWords } from './times.ts'

const WAIT_MAX_MS = 10 * 60_000
const WAIT_LOOK_MS = 250
/** Longer, and one should look at the state again before going on. */
const DEFAULT_FOR = '30m'

export const setLevel: Command = (given) => {
  const [level] = exactly(given, 1, 'Which level? 0 to 5, or auto')
  if (level === 'auto') return order(given, { type: 'clear-level' })
  if (!/^\d$/.test(level!) || Number(level) > LEVEL_MAX)
    throw new UsageError(`There is no level ${level}: 0 to ${LEVEL_MAX}, or auto`)
  return order(given, { type: 'set-level', level: Number(level), ...whyAndHowLong(given) })
}

export const pauseFeature: Command = (given) =>
  order(given, { type: 'pause-feature', feature: featureOf(given), ...whyAndHowLong(given) })

export const resumeFeature: Command = (given) =>
  order(given, { type: 'resume-feature', feature: featureOf(given) })

export const restartRole: Command = (given) => {
  const [role] = exactly(given, 1, `Which role? ${RoleName.options.join(', ')} or all`)
  return order(given, { type: 'restart-role', role: role === 'all' ? 'all' : roleOf(role) })
}

export const holdRole: Command = (given) =>
  order(given, { type: 'hold-role', role: roleOf(exactly(given, 1, WHICH_ROLE)[0]) })

export const releaseRole: Command = (given) =>
  order(given, { type: 'release-role', role: roleOf(exactly(given, 1, WHICH_ROLE)[0]) })

export const maintain: Command = (given) => {
  const [step] = exactly(given, 1, 'Which step of maintenance? announce, begin, end or cancel')
  switch (step) {
    case 'announce':
      return order(given, announcementOf(given))
    case 'begin':
      return order(given, { type: 'begin-maintenance', level: Number(given.level ?? 0) })
    case 'end':
      return order(given, { type: 'end-maintenance', isDespiteProblems: given.isDespiteProblems })
    case 'cancel':
      return order(given, { type: 'cancel-maintenance' })
    default:
      throw new UsageError(`Maintenance has no step "${step}": announce, begin, end or cancel`)
  }
}

export const showAudit: Command = async (given) => {
  const limit = Number(given.last ?? 20)
  if (!Number.isInteger(limit) || limit < 1 || limit > AUDIT_MAX)
    throw new UsageError(`--last takes a number from 1 to ${AUDIT_MAX}.`)
  const entries = await askDesk(settingsOf(given).dataDir, { command: 'audit', limit })
  if (given.isJson) console.log(JSON.stringify(entries, null, 2))
  else if (entries.length === 0) console.log('Nothing has been ordered yet.')
  else for (const entry of entries.toReversed()) console.log(describeEntry(entry, new Date()))
  return 0
}

export const showMetrics: Command = async (given) => {
  console.log(await askDesk(settingsOf(given).dataDir, { command: 'metrics' }))
  return 0
}

const WHICH_ROLE = `Which role? There are: ${RoleName.options.join(', ')}`

function exactly({ operands }: Arguments, count: number, question: string): readonly string[] {
  if (operands.length !== count) throw new UsageError(question)
  return operands
}

function roleOf(text: string | undefined): RoleName {
  const role = RoleName.safeParse(text).data
  if (!role) throw new UsageError(WHICH_ROLE)
  return role
}

function featureOf(given: Arguments): Feature {
  const question = `Which feature? There are: ${Feature.options.join(', ')}`
  const feature = Feature.safeParse(exactly(given, 1, question)[0]).data
  if (!feature) throw new UsageError(question)
  return feature
}

export function whyAndHowLong(given: Arguments): { reason: string; forS: number } {
  if (given.reason === undefined)
    throw new UsageError('Why? --reason "…": people are told, and so is whoever looks after this next.')
  return { reason: given.reason, forS: readDuration(given.for ?? DEFAULT_FOR, '--for') }
}

function announcementOf(given: Arguments): OperatorOrder {
  const startsAt = readInstant(given.from, '--from', new Date())
  const endsAt =
    given.to === undefined
      ? new Date(startsAt.getTime() + readDuration(given.for, '--for') * 1_000)
      : readInstant(given.to, '--to', new Date())
  if (given.text === undefined) throw new UsageError('What are people to be told? --text "…"')
  return {
    type: 'announce-maintenance',
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    text: given.text,
  }
}

/** Gives the order and says what came of it: 0 done or begun, 1 refused or failed. */
export async function order(given: Arguments, wanted: OperatorOrder): Promise<number> {
  const parsed = OperatorOrder.safeParse(wanted)
  if (!parsed.success) throw new UsageError(parsed.error.issues.map(complaintOf).join('\n'))
  const { dataDir } = settingsOf(given)
  const { id, outcome } = await askDesk(dataDir, { command: 'order', order: parsed.data, user: userName() })
  const last = given.isWait && outcome.state === 'begun' ? await whenEnded(dataDir, id, outcome) : outcome
  if (given.isJson) console.log(JSON.stringify({ id, outcome: last }))
  else
    console.log(
      `${MARKS[last.state]} ${timesInWords(last.detail, new Date())}${last.state === 'begun' ? ' (upbeat audit tells how it ended)' : ''}`,
    )
  return last.state === 'done' || last.state === 'begun' ? 0 : 1
}

/** What of an order is given by which option. */
const OPTIONS: Readonly<Record<string, string>> = { forS: '--for', endsAt: '--for', startsAt: '--from' }

/** "--for takes 7 days at most": what does not fit, by the name that it was typed by. */
function complaintOf(issue: z.core.$ZodIssue): string {
  const name = issue.path.join('.')
  const option = OPTIONS[name] ?? `--${name}`
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return `${option}: ${issue.message}`
  const isLess = issue.code === 'too_small'
  const bound = Number(isLess ? issue.minimum : issue.maximum)
  const amount =
    name === 'forS' ? spanInWords(bound) : issue.origin === 'string' ? `${bound} characters` : bound
  return `${option} takes ${amount} at ${isLess ? 'least' : 'most'}.`
}

export const MARKS: Readonly<Record<OrderOutcome['state'], string>> = {
  done: '✓',
  begun: '…',
  refused: '✗',
  failed: '✗',
}

async function whenEnded(dataDir: string, id: string, begun: OrderOutcome): Promise<OrderOutcome> {
  console.error(`… ${timesInWords(begun.detail, new Date())}`)
  for (let waitedMs = 0; waitedMs < WAIT_MAX_MS; waitedMs += WAIT_LOOK_MS) {
    const entries = await askDesk(dataDir, { command: 'audit', limit: 50 })
    const ended = entries.find((entry) => entry.id === id && entry.outcome.state !== 'begun')
    if (ended) return ended.outcome
    await sleep(WAIT_LOOK_MS)
  }
  return { state: 'failed', detail: 'It has not ended within 10 minutes.' }
}

/** Who gives the order: through sudo, the person behind it. */
export const userName = (): string => environmentWith({})['SUDO_USER'] || userInfo().username

function describeEntry({ at, who, order: given, outcome }: AuditEntry, now: Date): string {
  const name = who.kind === 'command-line' ? who.user : who.kind === 'operator' ? `@${who.handle}` : 'upbeat'
  const { type, ...details } = given
  const words = Object.entries(details).map(([key, value]) => `${key} ${detailInWords(value, now)}`)
  return `${instantInWords(at, now)}  ${name}: ${[type, ...words].join(', ')}\n    ${MARKS[outcome.state]} ${timesInWords(outcome.detail, now)}`
}

/** Text in its quotation marks, instants without. */
function detailInWords(value: unknown, now: Date): string {
  const told = typeof value === 'string' ? timesInWords(value, now) : value
  return told === value ? JSON.stringify(value) : String(told)
}
