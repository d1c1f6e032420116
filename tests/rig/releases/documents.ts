/** Documents as people and programs make them: a good one, the six bad ones, and how one fares that is dropped into the inbox. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReleasesState } from '../../../contract/releases.ts'
import { inboxOf } from '../../../platform/releases/index.ts'
import { askDesk } from '../../../platform/supervisor/control.ts'
import { eventually } from '../eventually.ts'

/** A good one goes its whole way meanwhile. */
const TRIAL_MAX_MS = 180_000

/** Long enough that a doubled one is told by its size. */
export const GOOD_FLAGS = JSON.stringify({
  flags: Object.fromEntries([
    ['sign-up', { isOn: false }],
    ...Array.from({ length: 60 }, (_, n) => [`spare-${n}`, { isOn: n % 2 === 0, note: 'kept for later' }]),
  ]),
})
const DOUBLED_FLAGS = JSON.stringify({
  flags: Object.fromEntries(
    ['', 'again-'].flatMap((prefix) =>
      Object.entries((JSON.parse(GOOD_FLAGS) as { flags: object }).flags).map(([name, flag]) => [
        prefix + name,
        flag,
      ]),
    ),
  ),
})
const points = (chance: number, rest: number) => ({ following: rest, liked: rest, tag: rest, chance })

export interface BadDocument {
  readonly name: string
  readonly kind: string
  readonly text: string
}

export const BAD_DOCUMENTS: readonly BadDocument[] = [
  { name: 'a flag file of double size', kind: 'flags', text: DOUBLED_FLAGS },
  {
    name: 'a ranking artefact of NaNs',
    kind: 'ranking',
    text: '{"model":"nan","points":{"following":NaN,"liked":NaN,"tag":NaN,"chance":NaN}}',
  },
  { name: 'a truncated flag file', kind: 'flags', text: GOOD_FLAGS.slice(0, GOOD_FLAGS.length / 2) },
  { name: 'an empty configuration', kind: 'configuration', text: '' },
  {
    name: 'a valid ranking that ranks by chance',
    kind: 'ranking',
    text: JSON.stringify({ model: 'poison', points: points(10, 0) }),
  },
  {
    name: 'a valid configuration that takes everything away',
    kind: 'configuration',
    text: JSON.stringify({ levels: { eventLoopMs: [0.001, 0.002, 0.003, 0.004, 0.005] } }),
  },
]

export interface Fate {
  readonly phase: string
  readonly detail: string
  /** From the file drop to the word on it. */
  readonly tookMs: number
}

/** By file drop, as a person or a program on the machine does it. */
export async function releaseDocument(dataDir: string, kind: string, text: string): Promise<Fate> {
  const before = (await stateOf(dataDir)).documents.length
  const beganMs = performance.now()
  await mkdir(inboxOf(dataDir), { recursive: true })
  await writeFile(join(inboxOf(dataDir), `${kind}.json`), text)
  let last: ReleasesState['documents'][number] | undefined
  await eventually(TRIAL_MAX_MS, async () => {
    const { documents } = await stateOf(dataDir)
    last = documents.length > before ? documents[0] : undefined
    return last !== undefined && !['waiting', 'checking', 'trial'].includes(last.phase)
  })
  return {
    phase: last?.phase ?? 'unseen',
    detail: last?.detail ?? `nothing came of it in ${dataDir}`,
    tookMs: performance.now() - beganMs,
  }
}

const stateOf = (dataDir: string): Promise<ReleasesState> => askDesk(dataDir, { command: 'releases' })
