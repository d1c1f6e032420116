/** One of several shields is lost: only its keys move, all of them are served, and a hot key overloads nobody. */
import { v7 as uuidv7 } from 'uuid'
import { pickNode, rankNodes } from '../../../platform/edge/core/pick-source.ts'
import { eventually } from '../../rig/eventually.ts'
import { edgeDocument, startEdge, type EdgeProcess } from '../../support/edge-process.ts'
import { openFaultyOrigin, segmentBytesOf } from '../../support/faulty-origin.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import type { DrillOptions } from '../options.ts'
import { percent, type Report } from '../report.ts'

const SHIELDS = 3
const KEYS = 120
const MODEL_NODES = 10
const MODEL_KEYS = 50_000
const MOVED_MAX = 1.3
const BUSIEST_MAX = 1.25
const HOT = 40

export async function run(report: Report, { without }: DrillOptions): Promise<void> {
  judgeModel(report, !without.includes('bounded-load'))
  await using dir = await makeTemporaryDir()
  await using stack = new AsyncDisposableStack()
  const origin = stack.use(await openFaultyOrigin({ segmentBytes: 8_192 }))
  const home = { name: 'home', url: origin.url }
  const shields: { name: string; process: EdgeProcess }[] = []
  for (let n = 0; n < SHIELDS; n++) {
    const place = stack.use(await makeTemporaryDir())
    const document = edgeDocument({ name: `shield-${n}`, origins: [home] })
    shields.push({ name: document.name, process: stack.use(await startEdge({ dir: place.path, document })) })
  }
  const edge = stack.use(
    await startEdge({
      dir: dir.path,
      document: edgeDocument({
        name: 'front',
        origins: [home],
        shields: shields.map(({ name, process }) => ({ name, url: process.url })),
      }),
    }),
  )
  const video = uuidv7()
  const keysOf = (rendition: string) =>
    Array.from({ length: KEYS }, (_, n) => `/media/${video}/g1/${rendition}/${n}.m4s`)
  const first = await askAll(edge, keysOf('v540'))
  const by = shields.map(
    ({ name }) =>
      origin.asked.filter(({ path, via }) => path.includes('/v540/') && via.includes(name)).length,
  )
  report.promise(
    'each shield is asked for its share, and the origin by shields alone',
    by.every((n) => n > 0) && by.reduce((a, b) => a + b) >= KEYS,
    by.join(', '),
  )
  report.promise('all is served through them', first === 1, percent(first))

  const lost = shields[0]!
  await lost.process[Symbol.asyncDispose]()
  const during = await askAll(edge, keysOf('v720'))
  report.promise('with a shield lost all is served', during === 1, percent(during))
  const isSeen = await eventually(15_000, async () => {
    const { sources } = await edge.status()
    return sources.some(({ name, isUp }) => name === lost.name && !isUp)
  })
  report.promise('the edge tells which one is lost', isSeen === true)
}

async function askAll(edge: EdgeProcess, paths: readonly string[]): Promise<number> {
  let right = 0
  for (const path of paths) {
    const response = await fetch(edge.url + path).catch(() => null)
    const body = await response?.arrayBuffer().catch(() => null)
    if (body && Buffer.from(body).equals(segmentBytesOf(path, 8_192))) right += 1
  }
  return right / paths.length
}

/** By the very function that the agent asks, over more nodes and keys than one machine has room for. */
function judgeModel(report: Report, isBounded: boolean): void {
  const nodes = Array.from({ length: MODEL_NODES }, (_, n) => `node-${n}`)
  const keys = Array.from({ length: MODEL_KEYS }, (_, n) => `/media/key-${n}`)
  const own = (among: readonly string[], key: string) => rankNodes(among, key)[0]!
  for (const [what, after] of [
    ['lost', nodes.slice(1)],
    ['added', [...nodes, 'node-new']],
  ] as const) {
    const moved = keys.filter((key) => own(nodes, key) !== own(after, key)).length / keys.length
    const most = MOVED_MAX / Math.min(nodes.length, after.length + 1)
    report.promise(
      `a node ${what} of ${MODEL_NODES}: at most ${percent(most)} of the keys move`,
      moved <= most,
      percent(moved),
    )
  }
  const loads = new Map(nodes.map((node) => [node, 0]))
  const perKey = 2
  const hot = Array.from({ length: MODEL_KEYS / 100 }, (_, n) => keys[n]!)
  const all = [
    ...hot.flatMap((key) => Array.from({ length: perKey }, () => key)),
    ...Array.from({ length: perKey * HOT }, () => keys[0]!),
  ]
  for (const key of all) {
    const node = isBounded ? pickNode(nodes, key, (name) => loads.get(name)!) : own(nodes, key)
    loads.set(node, loads.get(node)! + 1)
  }
  const ratio = Math.max(...loads.values()) / (all.length / nodes.length)
  report.promise(
    `one key ${HOT} times as hot: the busiest node has at most ${BUSIEST_MAX} times the mean`,
    ratio <= BUSIEST_MAX,
    `${ratio.toFixed(2)} times`,
  )
}
