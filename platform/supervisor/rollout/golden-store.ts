/** The golden requests of this instance: heard from the api, kept in a file, asked of each release. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeWhole } from '../../../kit/files/durable-file.ts'
import { GOLDEN_PER_ROUTE, type GoldenRequest } from '../../app/golden-requests.ts'

const Golden = z.array(z.object({ route: z.string(), url: z.string(), status: z.int() }))

/** What any instance answers, also one that nobody has visited yet. */
const BUILT_IN: readonly GoldenRequest[] = [
  '/',
  '/healthz',
  '/api/v1/instance',
  '/api/v1/state',
  '/api/v1/feed/for-you',
].map((url) => ({ route: url, url, status: 200 }))

const WRITE_DELAY_MS = 5_000
const GOLDEN_MAX = 512

export interface GoldenStore extends AsyncDisposable {
  hear(requests: readonly GoldenRequest[]): void
  /** Routes in turns, so that each has been asked for soon. */
  list(): readonly GoldenRequest[]
  /** It is not what it was: the video is gone, say. */
  forget(request: GoldenRequest): void
}

/** Reads what was kept; what can't be read begins anew. */
export async function openGoldenStore(path: string, onError: (error: unknown) => void): Promise<GoldenStore> {
  const byRoute = new Map<string, GoldenRequest[]>()
  let timer: NodeJS.Timeout | null = null

  function add(request: GoldenRequest): boolean {
    const known = byRoute.get(request.route) ?? []
    if (known.length >= GOLDEN_PER_ROUTE || known.some(({ url }) => url === request.url)) return false
    byRoute.set(request.route, [...known, request])
    return true
  }
  async function write(): Promise<void> {
    timer = null
    await writeWhole(path, JSON.stringify([...byRoute.values()].flat().slice(0, GOLDEN_MAX))).catch(onError)
  }
  const writeSoon = () => (timer ??= setTimeout(() => void write(), WRITE_DELAY_MS).unref())

  const text = await readFile(path, 'utf8').catch(() => '[]')
  for (const request of [...BUILT_IN, ...parse(text)]) add(request)
  return {
    hear(requests) {
      if (requests.map(add).includes(true)) writeSoon()
    },
    list() {
      const routes = [...byRoute.values()]
      return Array.from({ length: GOLDEN_PER_ROUTE }, (_, turn) =>
        routes.flatMap((of) => of[turn] ?? []),
      ).flat()
    },
    forget(request) {
      const left = (byRoute.get(request.route) ?? []).filter(({ url }) => url !== request.url)
      byRoute.set(request.route, left)
      writeSoon()
    },
    async [Symbol.asyncDispose]() {
      if (timer === null) return
      clearTimeout(timer)
      await write()
    },
  }
}

function parse(text: string): readonly GoldenRequest[] {
  try {
    return Golden.parse(JSON.parse(text))
  } catch {
    return []
  }
}
