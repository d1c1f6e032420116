/** Requests whose answers are known: asked of a candidate on a port of its own before anybody else meets it. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Mirror } from '../mirror/mirror.ts'

const TIMEOUT_MS = 5_000
/** A segment that every edge has. */
const SAMPLE_PATH = '/media/00000000-0000-7000-8000-000000000000/g0/v0/golden.mp4'
const SAMPLE = Buffer.from(
  'The golden segment of an edge: known bytes, asked for whole and in parts.\n'.repeat(64),
)
const SAMPLE_SHA256 = createHash('sha256').update(SAMPLE).digest('hex')
const MIRRORED_ASKED = 16
const NO_TOKEN = 'A'.repeat(48)

/** Lays the known segment into the mirror. */
export async function layGoldenSegment(mirror: Mirror): Promise<void> {
  if (!(await mirror.find(SAMPLE_SHA256, SAMPLE_PATH)))
    await mirror.keep(SAMPLE_PATH, Readable.from([SAMPLE]), SAMPLE_SHA256)
  await mirror.name('open', SAMPLE_PATH, SAMPLE_SHA256)
}

/** Asked of both sides of a trial: what every edge has, what everyone asks first, and what lies in the mirror. */
export const replayPathsOf = async (mirror: Mirror): Promise<string[]> => [
  SAMPLE_PATH,
  '/-/edge/alive',
  '/api/v1/instance',
  '/',
  ...(await mirror.listNames(MIRRORED_ASKED)),
]

export interface GoldenOptions {
  readonly url: string
  readonly areTokensChecked: boolean
  /** Whether the origin is asked for, too: not while what is in force can't reach one either. */
  readonly isOriginExpected: boolean
}

/** @returns what was answered wrongly, in words; empty: nothing */
export async function askGolden(options: GoldenOptions): Promise<string[]> {
  const { url, areTokensChecked, isOriginExpected } = options
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url + path, {
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'manual',
    })
    return { response, body: Buffer.from(await response.arrayBuffer()) }
  }
  const checks: { readonly what: string; isRight(): Promise<boolean> }[] = [
    {
      what: 'it says that it lives',
      isRight: async () => (await ask('/-/edge/alive')).response.status === 204,
    },
    {
      what: 'a kept segment is served whole, as immutable',
      async isRight() {
        const { response, body } = await ask(SAMPLE_PATH)
        const cacheControl = response.headers.get('cache-control') ?? ''
        return response.status === 200 && body.equals(SAMPLE) && cacheControl.includes('immutable')
      },
    },
    {
      what: 'a part of it is served',
      async isRight() {
        const { response, body } = await ask(SAMPLE_PATH, { range: 'bytes=10-19' })
        return response.status === 206 && body.equals(SAMPLE.subarray(10, 20))
      },
    },
    {
      what: 'a part that it does not have is refused',
      isRight: async () =>
        (await ask(SAMPLE_PATH, { range: `bytes=${SAMPLE.length}-` })).response.status === 416,
    },
    {
      what: 'nothing of its own is shown',
      isRight: async () => (await ask('/-/mirror/objects/')).response.status === 404,
    },
    ...(areTokensChecked
      ? [
          {
            what: 'a wrong token opens nothing',
            isRight: async () =>
              (await ask(SAMPLE_PATH.replace('/media/', `/media/t/${NO_TOKEN}/`))).response.status === 404,
          },
        ]
      : []),
    ...(isOriginExpected
      ? [
          {
            what: 'the origin answers through it',
            isRight: async () => (await ask('/api/v1/instance')).response.status === 200,
          },
        ]
      : []),
  ]
  const wrong: string[] = []
  for (const { what, isRight } of checks)
    if (!(await isRight().catch(() => false))) wrong.push(`not so: ${what}`)
  return wrong
}
