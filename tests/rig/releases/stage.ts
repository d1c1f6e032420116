/** A product that people visit, and releases of code that are tried out on it. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { quantileOf } from '../quantile.ts'
import { CRASHING_PATH, writeRelease, type Fault } from './code.ts'
import { sufferRelease, type Suffered } from './suffering.ts'
import { startVisitors, type Visitors } from './visitors.ts'

export const PATHS = [
  '/',
  '/api/v1/instance',
  '/api/v1/state',
  '/api/v1/feed/for-you',
  '/healthz',
  CRASHING_PATH,
]
const PER_S = 50
export const WARM_UP_MS = 8_000

export interface ReleaseStage extends AsyncDisposable {
  readonly product: Product
  readonly visitors: Visitors
  /** Before any release. */
  readonly usualP99Ms: number
  /** Tries out code with this fault; null: with none. */
  suffer(fault: Fault | null, mark: string): Promise<Suffered>
}

/** Starts both, and waits until the product is warm. */
export async function openReleaseStage(): Promise<ReleaseStage> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  const product = stack.use(
    await startProduct({
      dataDir: join(dir.path, 'data'),
      env: { BACKUP: 'off', UPLOAD_RESERVE_BYTES: '0' },
    }),
  )
  await product.settled()
  const visitors = stack.use(startVisitors({ url: product.url, paths: PATHS, perS: PER_S }))
  await sleep(WARM_UP_MS)
  const usualP99Ms = quantileOf(visitors.visits.latenciesMs, 0.99)
  const owned = stack.move()
  return {
    ...{ product, visitors, usualP99Ms },
    async suffer(fault, mark) {
      const release = join(dir.path, mark.replaceAll(/\W+/g, '-'))
      const path = await writeRelease(release, { fault, mark, usualP99Ms })
      return sufferRelease(product, visitors, { dir: path, perS: PER_S })
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
