/** `upbeat releases`, `release-document`, `return-document`: what changes a running system, and how it fares. */
import { readFile, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OperatorOrder } from '../contract/operations.ts'
import type { DocumentRelease, ReleasesState } from '../contract/releases.ts'
import { writeWhole } from '../kit/files/durable-file.ts'
import { givenPathOf, hashOf, kindOf, RELEASE_KINDS } from '../platform/releases/index.ts'
import { askDesk } from '../platform/supervisor/control.ts'
import { UsageError, type Arguments, type Command } from './arguments.ts'
import { MARKS, userName } from './orders.ts'
import { settingsOf } from './settings.ts'
import { instantInWords } from './times.ts'

const LOOK_MS = 250

export const showReleases: Command = async (given) => {
  const state = await askDesk(settingsOf(given).dataDir, { command: 'releases' })
  if (given.isJson) console.log(JSON.stringify(state, null, 2))
  else for (const line of describe(state, new Date())) console.log(line)
  return 0
}

/** 0: it is in force; 1: it was refused or taken back. */
export const releaseDocument: Command = async (given) => {
  const [name, file, ...more] = given.operands
  const kind = kindOf(name ?? '')
  if (!kind || file === undefined || more.length > 0)
    throw new UsageError(
      `Which document? KIND FILE, KIND being ${RELEASE_KINDS.map((it) => it.name).join(', ')}`,
    )
  const { size } = await stat(file)
  if (size > kind.bounds.maxBytes) {
    console.error(`✗ It has ${size} bytes; ${kind.bounds.maxBytes} at most.`)
    return 1
  }
  const bytes = await readFile(file)
  const { dataDir } = settingsOf(given)
  const hash = hashOf(bytes)
  await writeWhole(givenPathOf(dataDir, kind.name, hash), bytes)
  return follow(given, dataDir, { type: 'release-document', kind: kind.name, hash })
}

export const returnDocument: Command = async (given) => {
  const kind = kindOf(given.operands[0] ?? '')
  if (!kind || given.operands.length > 1) throw new UsageError('Which kind of document?')
  if (given.reason === undefined) throw new UsageError('Why? --reason "…"')
  return follow(given, settingsOf(given).dataDir, {
    type: 'return-document',
    kind: kind.name,
    reason: given.reason,
  })
}

/** Shows how it goes until it has ended. */
async function follow(given: Arguments, dataDir: string, order: OperatorOrder): Promise<number> {
  const { id, outcome } = await askDesk(dataDir, { command: 'order', order, user: userName() })
  let last = outcome
  let shown = ''
  while (last.state === 'begun') {
    await sleep(LOOK_MS)
    const [state, audit] = await Promise.all([
      askDesk(dataDir, { command: 'releases' }).catch(() => null),
      askDesk(dataDir, { command: 'audit', limit: 50 }).catch(() => []),
    ])
    const words = state?.documents[0] ? wordsOn(state.documents[0]) : ''
    if (words && words !== shown && !given.isJson) console.error(`  … ${words}`)
    shown = words
    last = audit.find((entry) => entry.id === id && entry.outcome.state !== 'begun')?.outcome ?? last
  }
  if (given.isJson) console.log(JSON.stringify({ id, outcome: last }))
  else console.log(`${MARKS[last.state]} ${last.detail}`)
  return last.state === 'done' ? 0 : 1
}

function* describe({ code, documents, inForce, quarantined }: ReleasesState, now: Date): Generator<string> {
  yield code
    ? `code           ${code.label}: ${code.phase}, ${code.detail}`
    : 'code           nothing was released since the start'
  for (const { name } of RELEASE_KINDS) {
    const good = inForce.find(({ kind }) => kind === name)
    yield good
      ? `${name.padEnd(14)} ${good.hash.slice(0, 12)} since ${instantInWords(good.promotedAt, now)}`
      : `${name.padEnd(14)} the code's own defaults`
  }
  if (documents.length > 0) yield 'lately:'
  for (const release of documents)
    yield `  ${instantInWords(release.startedAt, now)}  ${release.kind} ${release.hash?.slice(0, 12) ?? ''} ${wordsOn(release)}`
  if (quarantined.length > 0) yield 'in quarantine:'
  for (const { kind, hash, reason, at } of quarantined)
    yield `  ${instantInWords(at, now)}  ${kind} ${hash.slice(0, 12)} ${reason}`
}

const PHASES: Readonly<Record<DocumentRelease['phase'], string>> = {
  checking: 'checked',
  trial: 'on trial',
  'in-force': 'in force',
  refused: 'refused',
  back: 'taken back',
  'cut-short': 'cut short',
}

const wordsOn = ({ phase, share, detail }: DocumentRelease): string =>
  `${PHASES[phase]}${phase === 'trial' ? ` with ${share * 100} % of new connections` : ''}: ${detail}`
