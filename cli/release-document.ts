/** `upbeat release document KIND FILE|back`: flags, configuration, ranking or regions for a running system. */
import { readFile, stat } from 'node:fs/promises'
import type { DocumentRelease } from '../contract/releases.ts'
import { writeWhole } from '../kit/files/durable-file.ts'
import { givenPathOf, hashOf, kindOf, RELEASE_KINDS } from '../platform/releases/index.ts'
import { askDesk } from '../platform/supervisor/control.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { followOrder } from './follow-order.ts'
import { settingsOf } from './settings.ts'

/** @param operands after the word `document`. @returns 0: it is in force; 1: it was refused or taken back */
export async function releaseDocument(given: Arguments, operands: readonly string[]): Promise<number> {
  const [name, file, ...more] = operands
  const kind = kindOf(name ?? '')
  if (!kind || file === undefined || more.length > 0)
    throw new UsageError(
      `Which document? KIND FILE, or KIND back, KIND being ${RELEASE_KINDS.map((it) => it.name).join(', ')}`,
    )
  if (file === 'back') {
    if (given.reason === undefined) throw new UsageError('Why? --reason "…"')
    const { reason } = given
    return followOrder(given, { type: 'return-document', kind: kind.name, reason }, lookAtDocument)
  }
  const { size } = await stat(file)
  if (size > kind.bounds.maxBytes) {
    console.error(`✗ It has ${size} bytes; ${kind.bounds.maxBytes} at most.`)
    return 1
  }
  return releaseBytes(given, kind.name, await readFile(file))
}

/** Releases a document that a command has made. */
export async function releaseBytes(given: Arguments, kind: string, bytes: Buffer): Promise<number> {
  const hash = hashOf(bytes)
  await writeWhole(givenPathOf(settingsOf(given).dataDir, kind, hash), bytes)
  return followOrder(given, { type: 'release-document', kind, hash }, lookAtDocument)
}

async function lookAtDocument(dataDir: string): Promise<string | null> {
  const { documents } = await askDesk(dataDir, { command: 'releases' })
  return documents[0] ? documentWords(documents[0]) : null
}

const PHASES: Readonly<Record<DocumentRelease['phase'], string>> = {
  waiting: 'waiting its turn',
  checking: 'checked',
  trial: 'on trial',
  'in-force': 'in force',
  refused: 'refused',
  back: 'taken back',
  'cut-short': 'cut short',
}

/** How it fares, in words. */
export const documentWords = ({ phase, share, detail }: DocumentRelease): string =>
  `${PHASES[phase]}${phase === 'trial' ? ` with ${share * 100} % of new connections` : ''}: ${detail}`
