/** What comes to an edge is damaged on the way, or rots on its disk: nobody may be given it. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { basename, extname, join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { eventually } from '../../rig/eventually.ts'
import { edgeDocument, startEdge, type EdgeProcess } from '../../support/edge-process.ts'
import { openFaultyOrigin, segmentBytesOf } from '../../support/faulty-origin.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { secondsSince, type Report } from '../report.ts'

const SEGMENTS = 12
/** "Within minutes": the mirror is small, and a round of the scrubber begins every few seconds. */
const SCRUBBED_MS = 60_000
/** nginx may hold the file open for a second. */
const HEALED_MS = 2_000

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using origin = await openFaultyOrigin()
  await using edge = await startEdge({
    dir: dir.path,
    document: edgeDocument({ origins: [{ name: 'home', url: origin.url }] }),
  })
  const video = uuidv7()
  const pathOf = (segment: number) => `/media/${video}/g1/v540/${segment}.m4s`

  for (const fault of ['flips', 'truncates'] as const) {
    const segments = Array.from({ length: SEGMENTS }, (_, n) => pathOf(n).replace('v540', `v${fault}`))
    const paths = [...segments, `/media/${video}/poster-${fault.length}.jpg`]
    let wrong = 0
    for (const path of paths) {
      origin.be(fault, 1)
      const first = await read(edge, path)
      const second = await read(edge, path)
      for (const { status, body } of [first, second])
        if (status === 200 && !body.equals(segmentBytesOf(path))) wrong += 1
    }
    origin.be('none')
    const damaged = await listDamaged(edge)
    report.promise(`what the network ${fault} is given to nobody`, wrong === 0, `${wrong} answers were wrong`)
    report.promise(`what the network ${fault} is not kept`, damaged.length === 0, `${damaged.length} kept`)
  }
  await rotAtOnce(report, edge, pathOf(100))
  await rotFoundByScrubber(report, edge, pathOf(101))
}

async function rotAtOnce(report: Report, edge: EdgeProcess, path: string): Promise<void> {
  await read(edge, path)
  await damage(edge, segmentBytesOf(path))
  const doubted = await read(edge, path, { 'cache-control': 'no-cache' })
  const right = segmentBytesOf(path)
  report.promise(
    'a player that finds rot has the right bytes with its next question',
    doubted.body.equals(right),
    `${doubted.status}`,
  )
  const isHealed = await eventually(HEALED_MS, async () => (await read(edge, path)).body.equals(right))
  report.promise('and everyone else within two seconds', isHealed === true)
}

async function rotFoundByScrubber(report: Report, edge: EdgeProcess, path: string): Promise<void> {
  await read(edge, path)
  const before = (await edge.status()).mirror.rotten
  await damage(edge, segmentBytesOf(path))
  const beganMs = performance.now()
  const found = await eventually(SCRUBBED_MS, async () => (await edge.status()).mirror.rotten > before)
  report.promise(
    'rot that nobody has met is found by the scrubber within minutes',
    found === true,
    secondsSince(beganMs),
  )
  const healed = await eventually(HEALED_MS, async () =>
    (await read(edge, path)).body.equals(segmentBytesOf(path)),
  )
  report.promise('and fetched again', healed === true)
}

async function read(edge: EdgeProcess, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(edge.url + path, { headers }).catch(() => null)
  const body = await response?.arrayBuffer().catch(() => null)
  return { status: body ? response!.status : 0, body: body ? Buffer.from(body) : Buffer.alloc(0) }
}

const objectsOf = (edge: EdgeProcess) => join(edge.dataDir, 'mirror', 'objects')

async function listDamaged(edge: EdgeProcess): Promise<string[]> {
  const names = await readdir(objectsOf(edge), { recursive: true })
  const damaged: string[] = []
  for (const name of names.filter((each) => extname(each) !== '')) {
    const bytes = await readFile(join(objectsOf(edge), name))
    const hash = createHash('sha256').update(bytes).digest('hex')
    if (hash !== basename(name, extname(name))) damaged.push(name)
  }
  return damaged
}

/** Flips a bit of the object on the disk, as a failing disk does: size and time stay. */
async function damage(edge: EdgeProcess, bytes: Buffer): Promise<void> {
  const hash = createHash('sha256').update(bytes).digest('hex')
  const path = join(objectsOf(edge), hash.slice(0, 2), `${hash}.m4s`)
  const rotten = Buffer.from(bytes)
  rotten[10]! ^= 1
  await writeFile(path, rotten, { flag: 'r+' })
}
