/**
 * A request that ends the process which serves it, sent again and again, and an upload that crashes every encoder that reads it,
 * while people watch and scroll.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askDesk } from '../../../platform/supervisor/control.ts'
import { makeClip } from '../../support/clips.ts'
import { encodersOf } from '../../support/encoders.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { eventually } from '../../rig/eventually.ts'
import { hasEnded, startUpload, type DrillClient } from '../../rig/people/client.ts'
import { gather, publish } from '../observing/audience.ts'
import type { Report } from '../report.ts'

const PRELOAD = join(import.meta.dirname, '..', '..', 'rig', 'poison', 'preload.mjs')
/** Whoever sends it goes on after each restart. */
const POISONINGS = 8
const POISON_EVERY_MS = 4_000
const OTHERS_EVERY_MS = 20
const ANSWER_MAX_MS = 10_000
const CRASHES_MAX = 2
const SERVED_SHARE_MIN = 0.999
const BACK_MS = 5_000
/** An upload that nothing puts aside is tried for much longer. */
const PUT_ASIDE_MS = 90_000
const LOOK_EVERY_MS = 5

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({
    dataDir: dir.path,
    env: {
      NODE_OPTIONS: `--import ${PRELOAD}`,
      UPLOAD_RESERVE_BYTES: '0',
    },
  })
  const { author, media, feeds, videoIds, spareId } = await gather(product, { people: 2, videos: 2 })
  const path = `/api/v1/videos/${spareId}`
  const shape = `GET ${path}`
  const others = [...media, ...feeds, { path: `/api/v1/videos/${videoIds[0]}` }]
  const crowd = startAsking(product.url, others)
  for (let n = 0; n < POISONINGS; n++) {
    await ask(product.url, { path, headers: { 'x-drill-poison': '1' } })
    await sleep(POISON_EVERY_MS)
  }
  const poisonUpload = await sendPoisonUpload(product, author)
  const served = await crowd.stop()

  const crashes = (await product.status()).roles.find(({ role }) => role === 'api')!.restartCount
  report.promise(
    'a request that ends the process is barred after two deaths at most',
    crashes > 0 && crashes <= CRASHES_MAX,
    `${crashes} deaths, sent ${POISONINGS} times`,
  )
  report.promise(
    'of all else at least 99.9 % is served, the restarts counted, to who asks once more where a connection broke',
    served.asked > 0 && served.ok / served.asked >= SERVED_SHARE_MIN,
    `${served.ok} of ${served.asked}, ${served.broken} connections broke, ${served.wrong.slice(0, 5).join(', ') || 'none failed'}`,
  )
  report.promise(
    'an upload that crashes its encoder is put aside after two deaths at most, and its author is told',
    poisonUpload.told === 'video-crashes-encoder' && poisonUpload.deaths <= CRASHES_MAX,
    `${poisonUpload.deaths} deaths, ${poisonUpload.told ?? 'nothing told'}`,
  )
  const isNextPublished = await publish(author, 'after the poisonous one').then(
    () => true,
    () => false,
  )
  report.promise('the next upload is published', isNextPublished)
  await promiseTold(report, product, path, shape)
  await promiseFreed(report, product, path, shape)
}

/** Each encoder that begins on it dies; answers when the upload has ended, or nothing ends it. */
async function sendPoisonUpload(product: Product, author: DrillClient) {
  // What arrives is encoded where it arrives, and the rest where there is time.
  const parents = await Promise.all([product.pidOf('ingest'), product.pidOf('worker')])
  const bytes = await readFile(await makeClip('h264LongGop'))
  const killed = new Set<number>()
  const over = new AbortController()
  const killing = killEncoders(parents, killed, over.signal)
  const upload = await startUpload(author, bytes, 'poisonous')
  await upload.sendUntil(bytes.length)
  const receipt = await eventually(PUT_ASIDE_MS, async () => {
    const now = await author.receipt(upload.id)
    return hasEnded(now) ? now : null
  })
  over.abort()
  await killing
  return { deaths: killed.size, told: receipt?.failure?.code ?? receipt?.state ?? null }
}

/** One look after the other until it is over: each takes as long as there are processes on the machine. */
async function killEncoders(
  parents: readonly number[],
  killed: Set<number>,
  over: AbortSignal,
): Promise<void> {
  for (; !over.aborted; await sleep(LOOK_EVERY_MS))
    for (const pid of (await Promise.all(parents.map(encodersOf))).flat()) {
      if (killed.has(pid)) continue
      killed.add(pid)
      try {
        process.kill(pid, 'SIGSEGV')
      } catch {
        // It has ended by itself.
      }
    }
}

async function promiseTold(report: Report, product: Product, path: string, shape: string): Promise<void> {
  const answer = await ask(product.url, { path })
  report.promise(
    'who asks for it is told that it is closed, and for how long',
    answer.status === 503 && answer.code === 'request-barred' && answer.retryAfterS > 0,
    `${answer.status} ${answer.code}, again after ${answer.retryAfterS} s`,
  )
  const { orders } = await askDesk(product.dataDir, { command: 'state' })
  const barred = orders.shapes.map((one) => one.shape)
  report.promise(
    'the operator is told what is barred, and nothing else is',
    barred.length === 1 && barred[0] === shape,
    barred.join(', ') || 'nothing',
  )
}

async function promiseFreed(report: Report, product: Product, path: string, shape: string): Promise<void> {
  const { outcome } = await askDesk(product.dataDir, {
    command: 'order',
    order: { type: 'free-shape', shape },
    user: 'drill',
  })
  const isBack = await eventually(BACK_MS, async () => (await ask(product.url, { path })).status === 200)
  report.promise(
    'the operator has it served again',
    outcome.state === 'done' && isBack === true,
    outcome.detail,
  )
}

interface Request {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Status 0: no answer. */
async function ask(url: string, { path, headers = {} }: Request) {
  try {
    const response = await fetch(url + path, { headers, signal: AbortSignal.timeout(ANSWER_MAX_MS) })
    const body = await response.text()
    const isProblem = response.headers.get('content-type')?.includes('problem+json')
    return {
      status: response.status,
      code: isProblem ? String((JSON.parse(body) as { code?: unknown }).code) : null,
      retryAfterS: Number(response.headers.get('retry-after') ?? 0),
    }
  } catch {
    return { status: 0, code: null, retryAfterS: 0 }
  }
}

/**
 * Asks for one after the other at a steady rate, whatever becomes of those before; once more, as the app does with what it reads,
 * where the connection broke.
 */
function startAsking(url: string, requests: readonly Request[]) {
  const answers: Promise<string | null>[] = []
  let broken = 0
  const askAgain = async (request: Request) => {
    const answer = await ask(url, request)
    if (answer.status > 0) return answer
    broken += 1
    return ask(url, request)
  }
  const timer = setInterval(() => {
    const request = requests[answers.length % requests.length]!
    answers.push(
      askAgain(request).then(({ status, code }) =>
        status >= 200 && status < 400 ? null : `${status} ${code ?? ''} ${request.path}`,
      ),
    )
  }, OTHERS_EVERY_MS)
  return {
    async stop() {
      clearInterval(timer)
      const wrong = (await Promise.all(answers)).filter((one) => one !== null)
      return { asked: answers.length, ok: answers.length - wrong.length, wrong, broken }
    },
  }
}
